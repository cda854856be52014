package postgres

// What only tests look at.
var (
	CodeOf     = codeOf
	Certain    = certain
	Admissible = admissible
)

// Decode makes a value of what the server wrote.
var Decode = decode
