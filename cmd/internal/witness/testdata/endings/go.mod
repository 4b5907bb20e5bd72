module example.com/endings

go 1.26.0
