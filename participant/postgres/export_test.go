package postgres

// What only tests look at.
var (
	CodeOf     = codeOf
	Certain    = certain
	Admissible = grammar.Admissible
)

// Decode makes a value of what the server wrote.
var Decode = decode
