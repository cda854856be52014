package participant_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// gate notes the points that pass, and fails those that it is told to.
type gate struct {
	mu   sync.Mutex
	seen map[string]int
	fail map[string]int // how often
}

func (g *gate) pass(s participant.Step) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[s.Point]++
	if g.fail[s.Point] > 0 {
		g.fail[s.Point]--
		return errors.New("injected")
	}
	return nil
}

func newGate(fail map[string]int) *gate { return &gate{seen: map[string]int{}, fail: fail} }

// Every point that Points lists is passed by some course of things, and none that it does not list.
func TestEveryPointIsPassed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := newGate(nil)
		o := newOffice(t)
		a := open(t, &hooked{Toy: toyAt(t, t.TempDir())}, participant.Options{Gate: g.pass}, o)
		o.dial(a)
		o.prepare(a, 1, "alice=30")
		expect[protocol.Vote](o)
		expect[protocol.Inquiry](o)
		o.say(1, protocol.Answer{})
		o.say(0, protocol.List{})
		expect[protocol.Listed](o)
		o.link.Close()
		<-time.After(5 * time.Second) // virtual: it asks alone
		o.dial(a)
		expect[protocol.Inquiry](o)
		o.say(1, protocol.Commit{})
		expect[protocol.Fated](o)
		o.prepare(a, 2, "bob=1")
		expect[protocol.Vote](o)
		if _, err := a.Settle(t.Context(), txc.ID{Coordinator: 1, Epoch: 7, Sequence: 2}, 0, txc.Aborted, "ann", "why"); err != nil {
			t.Fatal(err)
		}
		expect[protocol.Inquiry](o)
		o.say(2, protocol.Abort{})
		expect[protocol.Fated](o)
		_, leave, err := a.Join(t.Context(), call(3, participant.Enlistment{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leave(nil); err != nil {
			t.Fatal(err)
		}
		o.say(3, protocol.Abort{})
		expect[protocol.Fated](o)
		moved := *o.us
		moved.Watermark = txc.ID{Coordinator: 1, Epoch: 7, Sequence: 4}
		o.us = &moved
		o.prepare(a, 5, "carol=1")
		o.say(5, protocol.Abort{})    // both at once: the Prepare may be cut off
		<-time.After(2 * time.Second) // virtual: the store is told to forget
		older := *o.us
		older.Epoch--
		o.us = &older
		o.say(6, protocol.Commit{})
		for {
			if _, fenced := (<-o.heard).Body.(protocol.Fenced); fenced {
				break
			}
		}
		shut(t, a)
		cutOff(t, g)
		points := participant.Points()
		for _, p := range points {
			if g.seen[p] == 0 {
				t.Errorf("%s is never passed", p)
			}
		}
		for p := range g.seen {
			if !slices.Contains(points, p) {
				t.Errorf("%s is not listed", p)
			}
		}
	})
}

// cutOff has a Prepare cut off for certain.
func cutOff(t *testing.T, g *gate) {
	store := &hooked{Toy: toyAt(t, t.TempDir()), before: waitInPrepare}
	o := newOffice(t)
	a := open(t, store, participant.Options{Gate: g.pass})
	o.dial(a)
	o.prepare(a, 1, "alice=30")
	o.say(1, protocol.Abort{})
	expect[protocol.Vote](o)
	shut(t, a)
}

// A message whose step fails is lost; a deed's fate is then unknown, before or after it was done.
func TestGateFails(t *testing.T) {
	for point, after := range map[string]func(t *testing.T, o *office, a *participant.Agent, toy *Toy){
		"participant/prepare": func(t *testing.T, o *office, a *participant.Agent, toy *Toy) { // P11: rolled back until the store tells
			o.prepare(a, 1, "alice=30")
			if v := expect[protocol.Vote](o); v.Vote != txc.No || !v.Certain {
				t.Errorf("vote %+v", v)
			}
		},
		"participant/prepare-written": func(t *testing.T, o *office, a *participant.Agent, toy *Toy) {
			o.prepare(a, 1, "alice=30")
			if v := expect[protocol.Vote](o); v.Vote != txc.No || !v.Certain {
				t.Errorf("vote %+v", v)
			}
			for d := range toy.InDoubt(t.Context()) {
				t.Errorf("still promised: %v", d)
			}
		},
		"participant/commit-written": func(t *testing.T, o *office, a *participant.Agent, toy *Toy) { // P11: looked for by doing it again
			o.prepare(a, 1, "alice=30")
			expect[protocol.Vote](o)
			o.say(1, protocol.Commit{})
			if f := expect[protocol.Fated](o); f.Fate != txc.CommittedBefore {
				t.Errorf("fate %v", f)
			}
		},
		"participant/send-vote": func(t *testing.T, o *office, a *participant.Agent, toy *Toy) { // P4: the same vote
			o.prepare(a, 1, "alice=30")
			synctest.Wait()
			o.prepare(a, 1, "alice=30")
			if v := expect[protocol.Vote](o); v.Vote != txc.Yes {
				t.Errorf("vote %+v", v)
			}
		},
		"participant/receive-prepare": func(t *testing.T, o *office, a *participant.Agent, toy *Toy) {
			o.prepare(a, 1, "alice=30")
			o.say(1, protocol.Abort{})
			if f := expect[protocol.Fated](o); f.Fate != txc.AbortedNow {
				t.Errorf("fate %v", f)
			}
		},
	} {
		t.Run(point, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				toy := toyAt(t, t.TempDir())
				o := newOffice(t)
				a := open(t, toy, participant.Options{Gate: newGate(map[string]int{point: 1}).pass}, o)
				o.dial(a)
				after(t, o, a, toy)
				shut(t, a)
			})
		})
	}
}

// H4: a settlement that the store keeps, though memory has done with it, is found by the next listing and dropped.
func TestASettlementThatStayedInTheStoreIsDropped(t *testing.T) {
	for _, point := range []string{"participant/settle-written", "participant/drop", "participant/drop-written"} {
		t.Run(point, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				toy := toyAt(t, t.TempDir())
				o := newOffice(t)
				a := open(t, toy, participant.Options{Gate: newGate(map[string]int{point: 1}).pass}, o)
				defer shut(t, a)
				o.dial(a)
				o.prepare(a, 1, "alice=30")
				expect[protocol.Vote](o)
				id := txc.ID{Coordinator: 1, Epoch: 7, Sequence: 1}
				_, err := a.Settle(t.Context(), id, 0, txc.Aborted, "ann", "why")
				if told := point != "participant/settle-written"; (err == nil) != told {
					t.Fatal(err)
				} else if told {
					expect[protocol.Inquiry](o)
				}
				o.say(1, protocol.Abort{})
				expect[protocol.Fated](o)
				synctest.Wait()
				for range 2 { // what two listings show is there
					if _, err := a.InDoubt(t.Context(), 1); err != nil {
						t.Fatal(err)
					}
				}
				for range 4 { // virtual: it asks, if it knows of it
					<-time.After(time.Second)
					o.say(1, protocol.Answer{Outcome: txc.Aborted, Recorded: true})
				}
				synctest.Wait()
				for d := range toy.InDoubt(t.Context()) {
					t.Errorf("still in the store: %+v", d)
				}
				left, err := a.InDoubt(t.Context(), 1)
				if err != nil || len(left) != 0 {
					t.Errorf("still listed: %+v, %v", left, err)
				}
			})
		})
	}
}
