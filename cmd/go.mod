module github.com/serializing-tokens/lwkt/cmd

go 1.26.0

require github.com/serializing-tokens/lwkt v0.0.0

replace github.com/serializing-tokens/lwkt => ../
