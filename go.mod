module github.com/serializing-tokens/lwkt

go 1.26.0
