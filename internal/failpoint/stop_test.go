package failpoint_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txc-dev/txc/internal/failpoint"
)

// A process that is stopped at a point does not take the next step, not even in the moment that the signal needs to reach
// all of its threads.
func TestStop(t *testing.T) {
	if os.Getenv("FAILPOINT_CHILD") == "1" {
		for range 8 {
			go func() { // the signal has other threads to go to
				for n := 0; ; n++ {
					_ = fmt.Sprint(n)
				}
			}()
		}
		s, err := failpoint.Parse([]string{"a/one=stop"}, points)
		if err != nil || s.Hit("a/one") != nil {
			os.Exit(1)
		}
		fmt.Println("next step")
		os.Exit(0)
	}
	for range 20 {
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestStop$")
		child.Env = append(os.Environ(), "FAILPOINT_CHILD=1")
		child.Stdout = out
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		stopped(t, child.Process.Pid)
		early, err := os.ReadFile(out.Name())
		if err := errors.Join(err, child.Process.Signal(syscall.SIGCONT), child.Wait(), out.Close()); err != nil {
			t.Fatal(err)
		}
		late, err := os.ReadFile(out.Name())
		if len(early) != 0 || string(late) != "next step\n" || err != nil {
			t.Fatalf("while it was stopped it had said %q, at the end %q: %v", early, late, err)
		}
	}
}

// stopped waits until a process has stopped.
func stopped(t *testing.T, pid int) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Second; <-time.After(time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Skipf("nothing tells here whether a process has stopped: %v", err)
		}
		if _, rest, ok := strings.Cut(string(text), ") "); ok && rest[0] == 'T' {
			return
		}
	}
	t.Fatal("the process has not stopped: it has gone on, and ended")
}
