module github.com/serializing-tokens/lwkt/bench

go 1.26.0

tool github.com/serializing-tokens/lwkt/cmd/witness

require github.com/sasha-s/go-deadlock v0.3.9

require (
	github.com/petermattis/goid v0.0.0-20250813065127-a731cc31b4fe // indirect
	github.com/serializing-tokens/lwkt v0.0.0 // indirect
	github.com/serializing-tokens/lwkt/cmd v0.0.0 // indirect
)

replace (
	github.com/serializing-tokens/lwkt => ../
	github.com/serializing-tokens/lwkt/cmd => ../cmd
)
