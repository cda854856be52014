package stores_test

import (
	"errors"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// P9: a database that was emptied while it is listed has no list: an empty one would be taken for "nothing is in doubt".
func TestRedisIsEmptiedWhileItIsListed(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	d := newTill(t, server, client(t, server), "points")
	for word, list := range map[string]func(s *redis.Store) error{
		"sscan": func(s *redis.Store) (last error) {
			for _, err := range s.InDoubt(d.ctx) {
				last = err
			}
			return last
		},
		"zrange": func(s *redis.Store) (last error) {
			for _, err := range s.Committed(d.ctx, txc.ID{}) {
				last = err
			}
			return last
		},
	} {
		s, w := d.through(word, true, nil)
		w.before = func() { d.db.FlushAll(d.ctx) }
		b, evidence := d.promise(s, "a")
		d.promise(s, "b")
		d.commit(s, b, evidence, txc.CommittedNow)
		w.arm()
		if err := list(s); !errors.Is(err, txc.ErrStopped) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// P4, P5: a watermark that was sent earlier and arrives later, over a connection that was given up, does not bring back what
// a later one has ended.
func TestRedisWatermarkArrivesLate(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	d := newTill(t, server, client(t, server), "points")
	s := d.open(server.URL())
	at := func(n uint64) txc.ID { return txc.ID{Coordinator: 1, Epoch: 1, Sequence: n} }
	below := func(n uint64, want txc.Vote) {
		t.Helper()
		b := d.branch()
		b.ID = at(n)
		p, err := d.prepare(s, b, "a")
		d.voted(p, err, want)
		if want == txc.Yes {
			d.abort(s, b, txc.AbortedNow)
		}
	}
	forget := func(n uint64, but ...txc.ID) {
		t.Helper()
		if err := s.Forget(d.ctx, at(n), but); err != nil {
			t.Fatal(err)
		}
	}
	forget(200, at(150), at(160))
	below(150, txc.Yes)
	below(151, txc.No)
	forget(200, at(160))
	forget(200, at(150), at(160)) // late
	below(150, txc.No)
	forget(100) // later still
	below(151, txc.No)
	forget(201, at(170))
	below(170, txc.Yes)
	below(200, txc.No)
	below(201, txc.Yes)
}
