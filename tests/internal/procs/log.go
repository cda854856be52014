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
