package procs

import (
	"bytes"
	"fmt"
	"os"
)

// shownLog is how many bytes of a log's begin, and of its end, a failure shows.
const shownLog = 6000

// broken looks in the log for what no program of ours may ever say.
func (s *Server) broken() string {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	for _, word := range []string{"DATA RACE", "panic: ", "fatal error: ", "goroutine 1 ["} {
		if bytes.Contains(text, []byte(word)) {
			return word
		}
	}
	return ""
}

// Said is what the process has logged since its last start.
func (s *Server) Said() (string, error) {
	s.mu.Lock()
	from := s.from
	s.mu.Unlock()
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return "", fmt.Errorf("read the log of %s: %w", s.Name, err)
	}
	return string(text[min(from, int64(len(text))):]), nil
}

// Stopped reports whether the process stands still after a SIGSTOP.
func (s *Server) Stopped() bool {
	if !s.Running() {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	if err != nil {
		return false // it has ended meanwhile
	}
	_, rest, ok := bytes.Cut(stat, []byte(") ")) // after its name
	return ok && len(rest) > 0 && rest[0] == 'T'
}

// LogEnd is its log, but for the middle of a long one.
func (s *Server) LogEnd() string {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	if len(text) <= 2*shownLog {
		return string(text)
	}
	return fmt.Sprintf("%s\n[%d bytes]\n%s", text[:shownLog], len(text)-2*shownLog, text[len(text)-shownLog:])
}
