package redis

// What only tests look at.
var (
	Read          = read
	Keep          = keep
	Kept          = kept
	ParseSortable = parseSortable
	ParseWitness  = parseWitness
	Describe      = describe
	Reserved      = reserved
	Unsent        = unsent
	Sortable      = sortable
	Witness       = witness
)

// Keys are those of work.
func (w work) Keys() []string { return w.keys }
