package coordinator

import (
	"math"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// live is a transaction in memory: its machine, and what the machine's actions need.
type live struct {
	id       txc.ID
	mark     uint64
	tx       protocol.Tx
	branches []branch

	members    []string // of all branches, made with the first Prepare
	anyShipped bool

	timeout         time.Duration
	began, deadline time.Time
	ended           time.Time
	limit           time.Time // the clients' limit for applied
	retryAt, saveAt time.Time // when decided
	backoff         time.Duration
	retries         uint32

	key    string
	ownKey bool
	digest [16]byte
	labels map[string]string
	age    uint64

	waiters   []waiter
	reason    txc.Reason
	recovered bool
	savedAcks protocol.Set // durable in the log (P5)
	bytes     int          // of work and results, as Core.bytes counts them
	moments   []moment

	timer      timer
	prev, next *live
}

// branch is one participant's part of a live transaction.
type branch struct {
	peer     *peer
	work     Work
	vote     txc.Vote
	fate     txc.Fate
	charged  bool // counts against the participant's bound (C10)
	sent     bool // Prepare went out
	evidence []byte
	results  []byte
	reason   txc.Reason
	who, why string        // of an operator's word
	outcome  txc.Outcome   // the operator's
	then     []func(*Core) // once its heuristic or resolution is durable
}

// waiter is a client that waits for an answer.
type waiter struct {
	token Token
	wait  Wait
}

// newLive issues an id. The order of ids is the order of begin.
func (c *Core) newLive(r Request) *live {
	c.sequence++
	l := &live{
		id: txc.ID{Coordinator: c.number, Epoch: c.epoch, Sequence: c.sequence}, mark: c.mark,
		timeout: r.Timeout, began: c.w.Now, key: r.Key, ownKey: r.OwnKey, labels: r.Labels, age: c.nextAge(r.Age),
	}
	if l.timeout == 0 {
		l.timeout = c.o.Timeout
	}
	l.moments = make([]moment, 0, 3+4*len(r.Work))
	l.timer.of = l
	c.live[l.id] = l
	c.order.push(l)
	if l.key != "" {
		c.keys[l.key] = l
	}
	l.note(c, begun, -1, 0, "")
	return l
}

// nextAge grows with every transaction, and jumps past every age that it sees: it is total inside one coordinator, and
// a retry keeps the age of its first attempt (S3).
func (c *Core) nextAge(given uint64) uint64 {
	if given != 0 {
		c.lastAge = max(c.lastAge, given)
		return given
	}
	if c.lastAge < math.MaxUint64 {
		c.lastAge = max(c.lastAge+1, uint64(max(c.w.Now.UnixMicro(), 1)))
	}
	return c.lastAge
}

func (c *Core) drop(l *live) {
	c.timers.disarm(&l.timer)
	delete(c.live, l.id)
	c.order.remove(l)
	if l.key != "" && c.keys[l.key] == l {
		delete(c.keys, l.key)
	}
	for i := range l.branches {
		c.release(&l.branches[i])
	}
	c.weigh(l, -l.bytes)
	if l.ended.IsZero() { // nothing was written of its end
		l.ended = c.w.Now
	}
	c.ended.add(l)
}

// release gives a branch's room back (C10).
func (c *Core) release(b *branch) {
	if b.charged {
		b.charged = false
		b.peer.load--
	}
}

// weigh counts what a transaction keeps in memory for others.
func (c *Core) weigh(l *live, bytes int) {
	l.bytes += bytes
	c.bytes += bytes
}

// shipped lets go of a branch's work: it is where it belongs, or will not be needed.
func (c *Core) shipped(l *live, i int) {
	if w := &l.branches[i].work; len(w.Work) > 0 {
		c.weigh(l, -len(w.Work))
		w.Work = []byte{} // still shipped, not joined
	}
}
