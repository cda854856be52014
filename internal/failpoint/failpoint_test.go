package failpoint_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc/internal/failpoint"
)

var points = []string{"a/one", "a/two"}

func TestParseRefuses(t *testing.T) {
	for _, spec := range []string{
		"", "a/one", "=kill", "a/one=", "a/one=die", "a/one=kill:1s", "a/one=kill@0", "a/one=kill@x", "a/one=kill@",
		"a/one=delay", "a/one=delay:", "a/one=delay:0s", "a/one=delay:-1s", "a/one=delay:5", "a/one=delay:2h", "a/three=kill",
	} {
		if _, err := failpoint.Parse([]string{spec}, points); err == nil {
			t.Errorf("%q was taken", spec)
		} else if !strings.Contains(err.Error(), "fault") {
			t.Errorf("%q: %v", spec, err)
		}
	}
}

func TestErrorAtTheNthPass(t *testing.T) {
	s, err := failpoint.Parse([]string{"a/one=error@2"}, points)
	if err != nil {
		t.Fatal(err)
	}
	for pass, want := range []error{nil, failpoint.ErrInjected, nil} {
		if err := s.Hit("a/one"); !errors.Is(err, want) {
			t.Errorf("pass %d: %v, want %v", pass+1, err, want)
		}
		if err := s.Hit("a/two"); err != nil {
			t.Errorf("a point that is not armed: %v", err)
		}
	}
}

func TestDelayFromTheNthPassOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := failpoint.Parse([]string{"a/one=delay:3s@2"}, points)
		if err != nil {
			t.Fatal(err)
		}
		for pass, want := range []time.Duration{0, 3 * time.Second, 3 * time.Second} {
			start := time.Now()
			if err := s.Hit("a/one"); err != nil || time.Since(start) != want {
				t.Errorf("pass %d: %v, %v, want %v", pass+1, err, time.Since(start), want)
			}
		}
	})
}

// Whoever armed a point hears that it was passed: once for each fault, before it acts.
func TestToldBeforeItActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := failpoint.Parse([]string{"a/one=delay:3s@2", "a/two=error"}, points)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var told []string
		s.Told = func(point, fault string) {
			told = append(told, point+" "+fault+" "+time.Since(start).String())
		}
		for range 3 {
			if err := s.Hit("a/one"); err != nil {
				t.Error(err)
			}
		}
		if err := s.Hit("a/two"); !errors.Is(err, failpoint.ErrInjected) {
			t.Error(err)
		}
		if want := []string{"a/one delay:3s@2 0s", "a/two error 6s"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestNothingArmed(t *testing.T) {
	var none *failpoint.Set
	if err := errors.Join(none.Hit("a/one"), new(failpoint.Set).Hit("a/one")); err != nil {
		t.Error(err)
	}
}

// A process that is killed at a point does nothing more.
func TestKill(t *testing.T) {
	if os.Getenv("FAILPOINT_CHILD") == "1" {
		s, err := failpoint.Parse([]string{"a/one=kill"}, points)
		if err != nil {
			os.Exit(1)
		}
		os.Exit(map[bool]int{true: 2, false: 3}[s.Hit("a/one") == nil])
	}
	child := exec.Command(os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), "FAILPOINT_CHILD=1")
	err := child.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the child ended with %v", err)
	}
}
