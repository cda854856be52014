package participant_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// waitInPrepare is a store whose Prepares wait until they are cut off.
func waitInPrepare(ctx context.Context, deed string, _ participant.Branch) error {
	if deed == "prepare" {
		<-ctx.Done()
	}
	return nil
}

// grouped is a Batcher: it does every group in one goroutine, and holds Prepares back until it is let go, or the
// branch is aborted.
type grouped struct {
	*Toy
	wg sync.WaitGroup

	mu     sync.Mutex
	groups []int
	hold   bool
	held   map[txc.ID]func()

	relaxed bool // the last Commit
}

func (g *grouped) Submit(reqs []participant.Request, done func(i int, r participant.Reply)) {
	g.mu.Lock()
	g.groups = append(g.groups, len(reqs))
	g.mu.Unlock()
	g.wg.Go(func() {
		for i, r := range reqs {
			g.one(i, r, done)
		}
	})
}

func (g *grouped) one(i int, r participant.Request, done func(i int, r participant.Reply)) {
	ctx := context.Background()
	var reply participant.Reply
	switch r.Verb {
	case participant.VerbPrepare:
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.hold {
			g.held[r.Branch.ID] = func() { done(i, participant.Reply{Promise: no(txc.CodeCancelled, "cut off")}) }
			return
		}
		reply.Promise, reply.Err = g.Toy.Prepare(ctx, r.Branch, r.Work, r.Joined)
	case participant.VerbCommit:
		g.mu.Lock()
		g.relaxed = r.Relaxed
		g.mu.Unlock()
		reply.Fate, reply.Err = g.Toy.Commit(ctx, r.Branch, r.Evidence)
	case participant.VerbAbort:
		g.mu.Lock()
		defer g.mu.Unlock()
		if cut := g.held[r.Branch.ID]; cut != nil {
			delete(g.held, r.Branch.ID)
			cut()
		}
		reply.Fate, reply.Err = g.Toy.Abort(ctx, r.Branch, r.Evidence)
	}
	done(i, reply)
}

func (g *grouped) Close(ctx context.Context) error {
	g.wg.Wait()
	return g.Toy.Close(ctx)
}

func TestBatcherGetsGroups(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := &grouped{Toy: toyAt(t, t.TempDir()), held: map[txc.ID]func(){}}
		o := newOffice(t)
		a := open(t, g, participant.Options{}, o)
		o.dial(a)
		var batch []participant.Message
		for n := range uint64(5) {
			batch = append(batch, participant.Message{From: o.us, ID: txc.ID{Coordinator: 1, Epoch: 7, Sequence: n + 1}, Mark: 70, Body: protocol.Prepare{
				Incarnation: a.Incarnation(), TimeLeft: 1e9, Work: []byte{byte('a' + n), '=', '1'},
			}})
		}
		o.link.Send(batch)
		for range batch {
			if v := expect[protocol.Vote](o); v.Vote != txc.Yes {
				t.Errorf("vote %+v", v)
			}
		}
		if len(g.groups) != 1 || g.groups[0] != 5 {
			t.Errorf("groups of %v", g.groups)
		}
		for n, relaxed := range []bool{true, false} {
			o.say(uint64(n)+1, protocol.Commit{Relaxed: relaxed})
			if f := expect[protocol.Fated](o); f.Fate != txc.CommittedNow || g.relaxed != relaxed { // the fate came after it was set
				t.Errorf("fate %v; it heard that nobody waits: %v, want %v", f, g.relaxed, relaxed)
			}
		}
		shut(t, a)
	})
}

// An Abort comes while its Prepare runs, and cuts it off; afterwards the branch is quiet.
func TestBatcherIsToldToCutOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := &grouped{Toy: toyAt(t, t.TempDir()), held: map[txc.ID]func(){}, hold: true}
		o := newOffice(t)
		a := open(t, g, participant.Options{}, o)
		o.dial(a)
		o.prepare(a, 1, "alice=30")
		synctest.Wait()
		o.say(1, protocol.Abort{})
		if v := expect[protocol.Vote](o); v.Vote != txc.No || !v.Certain {
			t.Errorf("vote %+v", v)
		}
		if f := expect[protocol.Fated](o); f.Fate != txc.AbortedNow {
			t.Errorf("fate %v", f)
		}
		shut(t, a)
	})
}
