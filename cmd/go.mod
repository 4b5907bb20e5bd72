module github.com/serializing-tokens/lwkt/cmd

go 1.26.0

require (
	github.com/serializing-tokens/lwkt v0.0.0
	golang.org/x/term v0.48.0
)

require golang.org/x/sys v0.50.0 // indirect

replace github.com/serializing-tokens/lwkt => ../
