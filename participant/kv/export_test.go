package kv

// Poison has every later write fail, as a disk's first error does.
func (s *Store) Poison(err error) error { return s.db.Poison(err) }
