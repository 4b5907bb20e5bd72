# A front for the commands that one types often. Nothing needs it: the commands
# in README.md and the tests are plain go commands, and `make ci` is .ci/run.

.DEFAULT_GOAL := help
.PHONY: help test race invariants lint fuzz stress bench demo ci fmt

FOR  ?= 10m
TAGS ?= lwkt_invariants
ARGS ?=
FUZZTIME ?= 30000x

help: ## this text
	@echo 'make TARGET [VARIABLE=value ...]'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  FOR=$(FOR)  TAGS=$(TAGS)  FUZZTIME=$(FUZZTIME)  ARGS=$(ARGS)'

test: ## the tests of every module
	go test work

race: ## the same under the race detector (needs a C compiler)
	.ci/run race

invariants: ## the same with internal checks, and fast paths skipped at random
	.ci/run invariants

lint: ## format, vet, static checker, and the rules of this repository
	.ci/run format vet staticcheck lint

fuzz: ## each fuzz target for FUZZTIME, inputs or time
	FUZZTIME=$(FUZZTIME) .ci/run fuzz

stress: ## random work for FOR under -race; prints its seed and counts (ARGS: see go test ./internal/stress -args -h)
	FOR='$(FOR)' TAGS='$(TAGS)' ARGS='$(ARGS)' .ci/run stress

bench: ## side by side with sync (ARGS='-run REGEXP -json')
	go run ./cmd/lwkt bench $(ARGS)

demo: ## transfers under three disciplines (ARGS='-for 5s -json')
	go run ./cmd/lwkt demo $(ARGS)

ci: ## everything a change has to pass (.ci/run -l lists the legs)
	.ci/run

fmt: ## format all Go files
	gofmt -s -w .
