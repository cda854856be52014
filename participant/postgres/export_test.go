package postgres

// What only tests look at.
var (
	CodeOf     = codeOf
	Certain    = certain
	Admissible = admissible
)
