package model_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// steps gathers which steps of the model the searches contain, and which they took. One that is contained somewhere and
// taken nowhere is a rule that nothing looks at.
type steps struct {
	mu        sync.Mutex
	contained map[string]bool
	taken     map[string]bool
}

var (
	process = regexp.MustCompile(`^(?:unreached in )?(?:proctype )?(\w+)$`)
	missed  = regexp.MustCompile(`^\t\S+:\d+, state (\d+), "`)
	step    = regexp.MustCompile(`^\tstate +(\d+) -\(tr +\d+\)-> .*=> (D_STEP\d+)$`)
)

// add takes in pan's own list of its states (pan -d) and its report. Line numbers name a step: those of an included file
// count from its own beginning, which is before the process that it is included into.
func (s *steps) add(table, report string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	here, names := "", map[string]string{}
	for line := range strings.Lines(table) {
		line = strings.TrimSuffix(line, "\n")
		if m := process.FindStringSubmatch(line); m != nil {
			here = m[1]
		} else if m := step.FindStringSubmatch(line); m != nil {
			names[here+" "+m[1]] = here + " " + m[2]
			s.contained[here+" "+m[2]] = true
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("pan lists no steps")
	}
	seen := false
	for line := range strings.Lines(report) {
		line = strings.TrimSuffix(line, "\n")
		if m := process.FindStringSubmatch(line); m != nil && strings.HasPrefix(line, "unreached in ") {
			here, seen = m[1], true
		} else if m := missed.FindStringSubmatch(line); m != nil {
			delete(names, here+" "+m[1])
		}
	}
	if !seen {
		return fmt.Errorf("pan does not say what it missed")
	}
	for name := range maps.Values(names) {
		s.taken[name] = true
	}
	return nil
}

// never lists the steps that no search took.
func (s *steps) never() []string {
	var all []string
	for name := range s.contained {
		if !s.taken[name] {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
