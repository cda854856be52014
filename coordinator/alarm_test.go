package coordinator_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// What waits for an operator is said once by each process that knows of it, when it is durable: nobody asks for a status
// that he has no reason to ask for.
func TestWhatWaitsForAPersonIsSaid(t *testing.T) {
	for _, c := range []struct {
		name  string
		cause func(*rig)
		says  string
		again bool // a restart says it again
	}{
		{"C6: the log has lost records", func(r *rig) {
			kept := r.log.Synced()
			r.commits("a", "b")
			r.disk.Cut(kept)
			r.open()
			r.register("a")
			r.connect("a")
		}, "the log has lost records", true},
		{"C13: another store under the same name", func(r *rig) {
			r.fakes["a"].instance[5] = 77
			r.fakes["a"].restart()
			r.register("a")
		}, "a is quarantined: its store is another one", false},
		{"H1: a branch stands against its decision", func(r *rig) {
			r.fakes["a"].fate = fated(txc.AbortedBefore)
			r.begin(run(coordinator.Decided, "a", "b"))
		}, "c1.1.1 is committed, but a says aborted before: so it is", false},
		{"H4: a branch was committed by hand, and its transaction aborted", func(r *rig) {
			r.fakes["a"].fate = fated(txc.CommittedBefore)
			r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
			r.begin(run(coordinator.Decided, "a", "b"))
		}, "c1.1.1 is aborted, but a says committed before: so it is", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			c.cause(r)
			r.deliver()
			if len(r.alarms) != 1 || !strings.Contains(r.alarms[0], c.says) {
				t.Fatalf("said: %q", r.alarms)
			}
			r.alarms = nil
			r.crash(false)
			if again := len(r.alarms) == 1; again != c.again {
				t.Errorf("after a restart: %q", r.alarms)
			}
		})
	}
}

func TestAnAlarmIsLoggedAsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedText
		f := newOffice(t, coordinator.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, "a", "b")
		f.with("a", func(p *fake) { p.fate = fated(txc.AbortedBefore) })
		if _, err := f.c.Run(t.Context(), run(coordinator.Applied, "a", "b").Request); err != nil {
			t.Fatal(err)
		}
		f.close()
		if text := log.String(); !strings.Contains(text, `level=ERROR msg="a person is needed"`) || !strings.Contains(text, "a says aborted before") {
			t.Errorf("the log: %s", text)
		}
	})
}

type lockedText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
