package stores_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// redisHungFor bounds every deed at a Redis that has stopped: the caller's five seconds, an answer that is waited for, and the
// look at what became of it.
const redisHungFor = 35 * time.Second

// C10, P8: a Redis that has stopped, and not died, holds up nobody for ever, and what it does not say is unknown; when it goes on
// it does what was sent to it, late and in any order, and everything comes to its end.
func TestRedisHangs(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	d := newTill(t, server, client(t, server), "points")
	ctx := context.Background() // no help from the caller: what is asked for bounds itself
	d.ctx = ctx
	s := d.open(server.URL())
	decided, evidence := d.promise(s, "decided")
	dropped, _ := d.promise(s, "dropped")
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Thaw() }) // its only error is that it has ended
	unsaid := []participant.Branch{}
	for range 12 { // three times the connections
		unsaid = append(unsaid, d.branch())
	}
	var all sync.WaitGroup
	silent := func(what string, deed func() error) {
		all.Go(func() {
			began := time.Now()
			err := deed()
			if err == nil || errors.Is(err, txc.ErrStopped) {
				t.Errorf("%s: %v", what, err)
			}
			if took := time.Since(began); took > redisHungFor {
				t.Errorf("C10: %s took %v", what, took)
			}
		})
	}
	for i, b := range unsaid {
		silent("prepare", func() error {
			short, cancel := context.WithTimeout(ctx, time.Duration(1+i%2*4)*time.Second)
			defer cancel()
			p, err := s.Prepare(short, b, redisWork(command("set", d.key(b.ID.String()), "1")), false)
			if err == nil && p.Vote == txc.No && p.Reason.Retryable && p.Reason.Code == txc.CodeUnreachable {
				return errors.New("it was certain that nothing had been sent")
			}
			if err == nil {
				t.Errorf("vote %v %v of a database that says nothing", p.Vote, p.Reason)
			}
			return err
		})
	}
	silent("commit", func() error { _, err := s.Commit(ctx, decided, evidence); return err })
	silent("abort", func() error { _, err := s.Abort(ctx, dropped, nil); return err })
	silent("check", func() error { _, err := s.Check(ctx); return err })
	silent("list", func() (last error) {
		n := 0
		for _, err := range s.InDoubt(ctx) {
			last, n = err, n+1
		}
		if n != 1 {
			t.Errorf("P9: a list of %d from a database that says nothing", n)
		}
		return last
	})
	all.Wait()
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	for _, b := range unsaid {
		d.abort(s, b, txc.AbortedNow)
	}
	if f, err := s.Commit(ctx, decided, evidence); err != nil || f != txc.CommittedNow && f != txc.CommittedBefore {
		t.Errorf("commit: %v, %v", f, err)
	}
	d.abort(s, dropped, txc.AbortedNow)
	d.value("decided", "1")
	d.until("nothing is locked any more", func() bool { return d.ask("hlen", "txc:locks") == int64(0) })
	d.listed(s)
	keys := []any{"exists", d.key("dropped")}
	for _, b := range unsaid {
		keys = append(keys, d.key(b.ID.String()))
	}
	if n := d.ask(keys...); n != int64(0) {
		t.Errorf("%v keys of aborted branches were written", n)
	}
}
