package failpoint

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrInjected is what an error point gives its gate.
var ErrInjected = errors.New("injected fault")

// Set is a number of armed points. The zero value has none. It is safe for concurrent use.
type Set struct {
	// Told, if not nil, hears of each armed fault just before it acts for the first time; it must not block. It is set
	// before the first Hit.
	Told func(point, fault string)

	mu    sync.Mutex
	armed map[string][]*fault
}

// fault is one armed point.
type fault struct {
	text  string // as it was given
	kind  kind
	delay time.Duration
	at    int // the pass that it acts on, from 1
	seen  int
}

type kind uint8

const (
	kill kind = iota + 1
	stop
	fail
	delay
)

// maxDelay bounds a delay: a longer one is a mistake in the unit.
const maxDelay = time.Hour

// Parse arms specs of the form POINT=kill|stop|error|delay:D[@N]. Every point must stand in points.
func Parse(specs, points []string) (*Set, error) {
	s := &Set{armed: map[string][]*fault{}}
	for _, spec := range specs {
		point, f, err := parse(spec)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(points, point) {
			return nil, fmt.Errorf("fault %q: no such point; there are: %s", spec, strings.Join(points, " "))
		}
		s.armed[point] = append(s.armed[point], f)
	}
	return s, nil
}

func parse(spec string) (string, *fault, error) {
	bad := func(what string) (string, *fault, error) {
		return "", nil, fmt.Errorf("fault %q: %s: want POINT=kill|stop|error|delay:D[@N]", spec, what)
	}
	point, deed, ok := strings.Cut(spec, "=")
	if !ok || point == "" {
		return bad("no point")
	}
	f := &fault{text: deed, at: 1}
	deed, pass, counted := strings.Cut(deed, "@")
	if counted {
		n, err := strconv.Atoi(pass)
		if err != nil || n < 1 {
			return bad("a pass is a number from 1")
		}
		f.at = n
	}
	name, arg, hasArg := strings.Cut(deed, ":")
	switch name {
	case "kill":
		f.kind = kill
	case "stop":
		f.kind = stop
	case "error":
		f.kind = fail
	case "delay":
		f.kind = delay
		d, err := time.ParseDuration(arg)
		if err != nil || d <= 0 || d > maxDelay {
			return bad("a delay is a duration above 0, at most " + maxDelay.String())
		}
		f.delay = d
	default:
		return bad("no such deed")
	}
	if hasArg && f.kind != delay {
		return bad(name + " takes no argument")
	}
	return point, f, nil
}

// Hit is one pass of a point: what is armed there and due happens. The error, if any, is for the gate to return; it
// wraps ErrInjected.
func (s *Set) Hit(point string) error {
	if s == nil || len(s.armed) == 0 {
		return nil
	}
	var err error
	for _, f := range s.due(point) {
		if s.Told != nil && f.seen == f.at {
			s.Told(point, f.text)
		}
		err = errors.Join(err, act(point, f))
	}
	return err
}

// due counts a pass, and takes the faults that act on it.
func (s *Set) due(point string) (due []fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.armed[point] {
		f.seen++
		if f.seen == f.at || f.kind == delay && f.seen > f.at {
			due = append(due, *f)
		}
	}
	return due
}

func act(point string, f fault) error {
	switch f.kind {
	case kill:
		return signalSelf(syscall.SIGKILL)
	case stop:
		return signalSelf(syscall.SIGSTOP) // returns when the process goes on
	case fail:
		return fmt.Errorf("%s: %w", point, ErrInjected)
	default:
		<-time.NewTimer(f.delay).C
		return nil
	}
}
