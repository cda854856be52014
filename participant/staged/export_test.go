package staged

// Messages reads a branch's work.
var Messages = messages

// Remembered is how many branches the store keeps something of beside their promises.
func Remembered(s *Store) int {
	s.taken.mu.Lock()
	defer s.taken.mu.Unlock()
	return len(s.taken.all)
}
