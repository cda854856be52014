package staged_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

func TestNothingIsPublishedBeforeTheDecisionAndNothingOfAnAbort(t *testing.T) {
	q := newQueue()
	s := open(t, t.TempDir(), q)
	a, b := branch(1), branch(2)
	pa, pb := promise(t, s, a, "a1", "a2"), promise(t, s, b, "b1")
	wants(t, q)
	if f, err := s.Abort(t.Context(), b, pb.Evidence); err != nil || f != txc.AbortedNow {
		t.Fatal(f, err)
	}
	commit(t, s, a, pa.Evidence, txc.CommittedNow)
	commit(t, s, a, pa.Evidence, txc.CommittedBefore)
	wants(t, q, "a1", "a2")
	if q.count() != 1 {
		t.Fatalf("published %d times", q.count())
	}
}

// P11: a commit that the broker has not acknowledged is no commit, and stays promised until the broker has it.
func TestACommitWaitsForTheBroker(t *testing.T) {
	dir, q := t.TempDir(), newQueue()
	s := open(t, dir, q)
	b := branch(1)
	p := promise(t, s, b, "m")
	for _, fault := range []func(q *queue){func(q *queue) { q.away = true }, func(q *queue) { q.away, q.lostAck = false, true }} {
		q.set(fault)
		if f, err := s.Commit(t.Context(), b, p.Evidence); !errors.Is(err, errAway) || f != 0 {
			t.Fatalf("commit without the broker: %v, %v", f, err)
		}
		if n := doubtful(t, s); n != 1 {
			t.Fatalf("%d branches in doubt", n)
		}
	}
	wants(t, q, "m") // it was there, and only the acknowledgement was lost
	q.set(func(q *queue) { q.lostAck = false })
	commit(t, s, b, p.Evidence, txc.CommittedNow)
	wants(t, q, "m")
}

// A crash between the acknowledgement and the proof: the next Commit publishes again, under the same ids.
func TestWhatIsPublishedAgainHasTheSameIDs(t *testing.T) {
	dir, q := t.TempDir(), newQueue()
	s := open(t, dir, q)
	b := branch(1)
	p := promise(t, s, b, "m1", "m2")
	q.set(func(q *queue) { q.lostAck = true })
	if _, err := s.Commit(t.Context(), b, p.Evidence); err == nil {
		t.Fatal("committed without an acknowledgement")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	q.set(func(q *queue) { q.lostAck, q.known = false, map[string]bool{} }) // the broker's window is over
	s = open(t, dir, q)
	commit(t, s, b, p.Evidence, txc.CommittedNow)
	wants(t, q, "m1", "m2", "m1", "m2")
	for i, m := range q.there {
		if want := fmt.Sprintf("txc/test/c1.1.1.0000000000000007/events/%d", i%2); m.ID != want {
			t.Errorf("message %d has the id %q, want %q", i, m.ID, want)
		}
	}
}

func doubtful(t testing.TB, s participant.Resource) int {
	t.Helper()
	n := 0
	for _, err := range s.InDoubt(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestABrokerThatIsAwayIsARetryableNo(t *testing.T) {
	q := newQueue()
	q.away = true
	s := open(t, t.TempDir(), q)
	p, err := s.Prepare(t.Context(), branch(1), work(t, publication("q", "m")), false)
	if err != nil || p.Vote != txc.No || !p.Reason.Retryable {
		t.Fatal(p, err)
	}
	r, err := s.Check(t.Context())
	if err != nil || r.Kind != "queue" || len(r.Findings) != 1 || r.Findings[0].Name != "queue-unreachable" || r.Findings[0].Severity != "warn" {
		t.Fatalf("%+v, %v", r, err)
	}
}

// P4: what has become of the broker since does not deny a promise.
func TestAPromiseIsNotDeniedWhenTheBrokerIsAway(t *testing.T) {
	q := newQueue()
	s := open(t, t.TempDir(), q)
	b := branch(1)
	promise(t, s, b, "m")
	q.set(func(q *queue) { q.away = true })
	promise(t, s, b, "m")
}

// H2: recorded first, then published; until the broker has it, it is tried again, over restarts.
func TestWhatAnOperatorSettlesAsCommittedIsPublished(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			dir, q := t.TempDir(), newQueue()
			s := open(t, dir, q)
			b := branch(1)
			p := promise(t, s, b, "m")
			q.set(func(q *queue) { q.away = true })
			settle(t, s, b, txc.Committed)
			if err := s.Reconciled(t.Context(), b); !errors.Is(err, errAway) {
				t.Fatalf("reconciled, and not published: %v", err)
			}
			if _, err := s.Commit(t.Context(), b, p.Evidence); !errors.Is(err, errAway) {
				t.Fatalf("committed before, and not published: %v", err)
			}
			wants(t, q)
			published := make(chan struct{}, 8)
			q.set(func(q *queue) { q.away, q.when = false, func() { published <- struct{}{} } })
			if restart {
				if err := s.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				s = open(t, dir, q)
			}
			<-published // by itself
			commit(t, s, b, p.Evidence, txc.CommittedBefore)
			wants(t, q, "m")
			before := q.count()
			if err := s.Reconciled(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if doubtful(t, s) != 0 || q.count() != before {
				t.Fatalf("%d in doubt, published %d times more", doubtful(t, s), q.count()-before)
			}
		})
	}
}

// H2: a Commit that finds a settlement publishes it, and notes that.
func TestACommitHandsOverWhatWasSettled(t *testing.T) {
	q := newQueue()
	s := open(t, t.TempDir(), q)
	b := branch(1)
	p := promise(t, s, b, "m")
	q.set(func(q *queue) { q.lostAck = true })
	settle(t, s, b, txc.Committed)
	q.set(func(q *queue) { q.lostAck = false })
	commit(t, s, b, p.Evidence, txc.CommittedBefore)
	before := q.count()
	if err := s.Reconciled(t.Context(), b); err != nil || q.count() != before {
		t.Fatalf("published %d times more, %v", q.count()-before, err)
	}
	wants(t, q, "m")
}

func TestWhatAnOperatorSettlesAsAbortedIsDropped(t *testing.T) {
	dir, q := t.TempDir(), newQueue()
	s := open(t, dir, q)
	b := branch(1)
	p := promise(t, s, b, "m")
	settle(t, s, b, txc.Aborted)
	commit(t, s, b, p.Evidence, txc.AbortedBefore)
	if err := s.Reconciled(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	commit(t, s, b, p.Evidence, txc.AbortedBefore)
	wants(t, q)
}

// A reconciliation that comes for a branch which is only promised publishes nothing of it.
func TestReconciledPublishesNoPromise(t *testing.T) {
	q := newQueue()
	s := open(t, t.TempDir(), q)
	promise(t, s, branch(1), "m")
	if err := s.Reconciled(t.Context(), branch(1)); err != nil {
		t.Fatal(err)
	}
	wants(t, q)
	if doubtful(t, s) != 1 {
		t.Fatal("the promise is gone")
	}
}

func settle(t testing.TB, s participant.Resource, b participant.Branch, o txc.Outcome) {
	t.Helper()
	did, err := s.Settle(t.Context(), b, participant.Settlement{Outcome: o, Who: "ann", Why: "test", When: time.Now()})
	if err != nil || !did {
		t.Fatal(did, err)
	}
}

// A store of one kind is not opened as the other: a commit would apply nothing, or publish nothing.
func TestAKeyValueStoreDoesNotTakeStagedMessages(t *testing.T) {
	dir, q := t.TempDir(), newQueue()
	s := open(t, dir, q)
	promise(t, s, branch(1), "m")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := kv.Open(t.Context(), dir, kv.Options{Cluster: cluster, Name: events, Ballast: -1, MinFree: 1})
	if !errors.Is(err, txc.ErrRefused) {
		t.Fatal(err, other.Close(t.Context()))
	}
	var lines strings.Builder
	if err := kv.Dump(dir, &lines); err != nil || !strings.Contains(lines.String(), `"kind":"in-doubt","id":"c1.1.1"`) { // a person may look at it
		t.Fatalf("%v\n%s", err, lines.String())
	}
}

func TestBadMessagesAreBadWork(t *testing.T) {
	s := open(t, t.TempDir(), newQueue())
	many := make([]*txcpb.Publication, 1001)
	for i := range many {
		many[i] = publication("q", "")
	}
	for says, all := range map[string][]*txcpb.Publication{
		"none":            nil,
		"many":            many,
		"no address":      {publication("", "m")},
		"control":         {publication("a\nb", "m")},
		"long address":    {publication(strings.Repeat("a", 256), "m")},
		"our header":      {{To: "q", Headers: map[string]string{"txc-MSG-id": "x"}}},
		"type as header":  {{To: "q", Headers: map[string]string{"Content-type": "x"}}},
		"twice":           {{To: "q", Headers: map[string]string{"a": "x", "A": "y"}}},
		"header's name":   {{To: "q", Headers: map[string]string{"a b": "x"}}},
		"header's value":  {{To: "q", Headers: map[string]string{"a": "x\r\ny"}}},
		"header's spaces": {{To: "q", Headers: map[string]string{"a": " x"}}},
		"type":            {{To: "q", ContentType: "a\x00"}},
	} {
		p, err := s.Prepare(t.Context(), branch(1), work(t, all...), false)
		if err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeBadWork || p.Reason.Retryable {
			t.Errorf("%s: %v %v, %v", says, p.Vote, p.Reason, err)
		}
	}
}

// Many branches wait for the broker at once: one that takes its time does not make the others wait for it.
func TestCommitsPublishAtOnce(t *testing.T) {
	q := newQueue()
	s := open(t, t.TempDir(), q)
	const n = 16
	together, all := make(chan struct{}, n), make(chan struct{})
	evidence := make([][]byte, n)
	for i := range evidence {
		evidence[i] = promise(t, s, branch(uint64(i+1)), "m").Evidence
	}
	q.set(func(q *queue) { q.when = func() { together <- struct{}{}; <-all } })
	done := make(chan error, n)
	for i := range evidence {
		go func() { _, err := s.Commit(context.Background(), branch(uint64(i+1)), evidence[i]); done <- err }()
	}
	for range n {
		<-together
	}
	close(all)
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
