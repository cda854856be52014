package rpc_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// heard is what a link hands to its coordinator.
type heard struct {
	up    bool
	batch []protocol.Message
}

// rawLink is a link that a test speaks over, as another coordinator.
func rawLink(t testing.TB, n *node, name string) (coordinator.Link, <-chan heard) {
	ch := make(chan heard, 1024)
	l, err := rpc.Dialer(rpc.Options{Logger: slog.New(quiet{logger(t).Handler(), t})})(coordinator.Peer{Name: name, Address: n.address}, func(up bool, batch []protocol.Message) {
		ch <- heard{up, batch}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, ch
}

// quiet fails the test at what a person should know.
type quiet struct {
	slog.Handler
	t testing.TB
}

func (q quiet) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (q quiet) WithAttrs([]slog.Attr) slog.Handler           { return q }
func (q quiet) Handle(_ context.Context, r slog.Record) error {
	q.t.Errorf("the link logs: %s", r.Message)
	return nil
}

func next(t testing.TB, ch <-chan heard) heard {
	t.Helper()
	select {
	case h := <-ch:
		return h
	case <-within(t).Done():
		t.Fatal("the link is silent")
		return heard{}
	}
}

var five = &protocol.Sender{Cluster: "txc", Coordinator: 5, Epoch: 1, Mark: 9, LSN: 3}

func hello(from *protocol.Sender) []protocol.Message {
	return []protocol.Message{{From: from, Body: protocol.Hello{}}}
}

func greet(t testing.TB, l coordinator.Link, ch <-chan heard) protocol.Welcome {
	t.Helper()
	if h := next(t, ch); !h.up || len(h.batch) != 0 {
		t.Fatalf("first %+v, want up", h)
	}
	w, ok := greeted(t, l, ch)
	if !ok {
		t.Fatal("the connection is lost, although nobody closed it")
	}
	return w
}

// greeted says hello on a connection that is up; false: it was lost before the answer.
func greeted(t testing.TB, l coordinator.Link, ch <-chan heard) (protocol.Welcome, bool) {
	t.Helper()
	if !l.Send(hello(five)) {
		t.Fatal("no room for a hello")
	}
	h := next(t, ch)
	if !h.up {
		return protocol.Welcome{}, false
	}
	w, ok := h.batch[0].Body.(protocol.Welcome)
	if !ok {
		t.Fatalf("%T answers a hello", h.batch[0].Body)
	}
	return w, true
}

// greetAgain greets a node that was closed and opened again: the link may still have tried the one that was closing.
func greetAgain(t testing.TB, l coordinator.Link, ch <-chan heard) protocol.Welcome {
	t.Helper()
	for {
		if h := next(t, ch); !h.up || len(h.batch) != 0 {
			t.Fatalf("got %+v, want up", h)
		}
		if w, ok := greeted(t, l, ch); ok {
			return w
		}
	}
}

func TestLinkDropsWhatWasMeantForAnEarlierConnection(t *testing.T) {
	v := newTown(t, "a")
	l, ch := rawLink(t, v.shops["a"], "a")
	if h := next(t, ch); !h.up {
		t.Fatalf("first %+v, want up", h)
	}
	stale := protocol.Message{From: five, ID: txc.ID{Coordinator: 5, Epoch: 1, Sequence: 1}, Mark: 9, Body: protocol.Prepare{TimeLeft: time.Second, Work: []byte("put x 1"), Incarnation: 1}}
	if !l.Send([]protocol.Message{stale}) || !l.Send(append([]protocol.Message{stale}, hello(five)...)) {
		t.Fatal("no room")
	}
	h := next(t, ch)
	if _, ok := h.batch[0].Body.(protocol.Welcome); !ok || len(h.batch) != 1 {
		t.Fatalf("got %+v, want a welcome alone", h)
	}
	if n := v.shops["a"].store.doubts(); n != 0 {
		t.Fatalf("%d promises of a Prepare that was meant for another connection", n)
	}
}

func TestLinkTellsOfALossAndOfTheNextConnection(t *testing.T) {
	for _, way := range []string{"stream", "unary"} {
		t.Run(way, func(t *testing.T) {
			v := newTown(t)
			n := v.newNode("a", 1)
			if way == "unary" {
				n.wrap = newForeign(t)
			}
			v.shops["a"] = n
			n.open()
			l, ch := rawLink(t, n, "a")
			first := greet(t, l, ch)
			n.close()
			began := time.Now()
			if h := next(t, ch); h.up {
				t.Fatalf("got %+v, want the loss", h)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("the loss was told after %v", took)
			}
			if !l.Send(hello(five)) {
				t.Error("a link that is down must take what is sent, and drop it")
			}
			n.open()
			began = time.Now()
			second := greetAgain(t, l, ch)
			if took := time.Since(began); took > 1500*time.Millisecond {
				t.Errorf("linked again after %v", took)
			}
			if first.Incarnation == second.Incarnation || first.Instance != second.Instance {
				t.Errorf("P4, P12: %+v then %+v", first, second)
			}
			report, err := l.Check(within(t))
			if way == "stream" && (err != nil || report.Kind != "shop") {
				t.Errorf("%+v: %v", report, err)
			}
		})
	}
}

func TestLinkCarriesEveryMessageOneWayOrTheOther(t *testing.T) {
	for _, way := range []string{"stream", "unary"} {
		t.Run(way, func(t *testing.T) {
			v := newTown(t)
			n := v.newNode("a", 1)
			if way == "unary" {
				n.wrap = newForeign(t)
			}
			v.shops["a"] = n
			n.open()
			l, ch := rawLink(t, n, "a")
			w := greet(t, l, ch)
			say := func(seq uint64, b protocol.Body) protocol.Body {
				m := protocol.Message{From: five, Body: b}
				if seq > 0 {
					m.ID, m.Mark = txc.ID{Coordinator: 5, Epoch: 1, Sequence: seq}, 9
				}
				if !l.Send([]protocol.Message{m}) {
					t.Fatal("no room")
				}
				h := next(t, ch)
				if len(h.batch) != 1 || h.batch[0].ID != m.ID || h.batch[0].Mark != m.Mark {
					t.Fatalf("got %+v", h)
				}
				return h.batch[0].Body
			}
			prepare := protocol.Prepare{Incarnation: w.Incarnation, TimeLeft: 5 * time.Second, Members: []string{"a", "z"}, Work: []byte("put x 1")}
			vote, ok := say(1, prepare).(protocol.Vote)
			if !ok || vote.Vote != txc.Yes || string(vote.Evidence) != "slip c5.1.1" || vote.Seen.LSN != five.LSN {
				t.Fatalf("got %+v", vote)
			}
			prepare.Work = []byte("conflict")
			if vote := say(2, prepare).(protocol.Vote); vote.Vote != txc.No || !vote.Certain || vote.Reason.Code != txc.CodeConflict || !vote.Reason.Retryable {
				t.Fatalf("got %+v", vote)
			}
			prepare.Incarnation++
			if vote := say(3, prepare).(protocol.Vote); vote.Vote != txc.No || vote.Certain {
				t.Fatalf("P4: got %+v", vote)
			}
			list, ok := say(0, protocol.List{}).(protocol.Listed)
			if !ok || len(list.InDoubt) != 1 || list.InDoubt[0].Members[1] != "z" || list.InDoubt[0].Mark != 9 {
				t.Fatalf("P9: got %+v", list)
			}
			people, err := l.InDoubt(within(t))
			if err != nil || len(people) != 1 || people[0].ID != list.InDoubt[0].ID {
				t.Fatalf("got %+v: %v", people, err)
			}
			if fate := say(1, protocol.Commit{Evidence: vote.Evidence}).(protocol.Fated); fate.Fate != txc.CommittedNow {
				t.Fatalf("got %+v", fate)
			}
			if fate := say(1, protocol.Commit{Evidence: vote.Evidence}).(protocol.Fated); fate.Fate != txc.CommittedBefore {
				t.Fatalf("P7: got %+v", fate)
			}
			if fate := say(7, protocol.Abort{}).(protocol.Fated); fate.Fate != txc.AbortedNow {
				t.Fatalf("P4: got %+v", fate)
			}
			if list := say(0, protocol.List{}).(protocol.Listed); len(list.InDoubt) != 0 || len(list.Committed) != 1 {
				t.Fatalf("C6: got %+v", list)
			}
		})
	}
}

// A coordinator whose number is used by another, or whose log is an old copy, is told so in place of a welcome.
func TestC5ALinkShowsWhyItsHelloWasRefused(t *testing.T) {
	for _, way := range []string{"stream", "unary"} {
		t.Run(way, func(t *testing.T) {
			v := newTown(t)
			n := v.newNode("a", 1)
			if way == "unary" {
				n.wrap = newForeign(t)
			}
			v.shops["a"] = n
			n.open()
			l, ch := rawLink(t, n, "a")
			greet(t, l, ch)
			other, heard := rawLink(t, n, "a")
			if h := next(t, heard); !h.up {
				t.Fatalf("first %+v, want up", h)
			}
			twin := *five
			twin.Mark++
			if !other.Send(hello(&twin)) {
				t.Fatal("no room for a hello")
			}
			h := next(t, heard)
			want := protocol.Fenced{About: protocol.AboutHello, Seen: protocol.Seen{Coordinator: 5, Epoch: five.Epoch, Mark: five.Mark}}
			if len(h.batch) != 1 {
				t.Fatalf("got %+v, want a refusal", h)
			}
			got, ok := h.batch[0].Body.(protocol.Fenced)
			if got.Seen.LSN = 0; !ok || got != want {
				t.Fatalf("got %+v, want %+v", h.batch[0].Body, want)
			}
		})
	}
}
