package kv

// Poison has every later write fail, as a disk's first error does.
func (s *Store) Poison(err error) error { return s.db.Poison(err) }

// ShortJournal has promises and proofs move out of the journal soon.
func (o Options) ShortJournal(bytes int) Options {
	o.journal = bytes
	return o
}
