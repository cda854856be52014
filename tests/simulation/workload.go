package simulation

import (
	"fmt"
	"strconv"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// The bank: every participant has the same accounts, with the same money in each.
const (
	accounts = 3
	funds    = 100
)

func account(i int) []byte { return []byte("account-" + strconv.Itoa(i)) }

// countKey counts how often a branch of a transfer was applied: the audit reads it from the stores themselves.
func countKey(n int) []byte { return []byte(transferPrefix + strconv.Itoa(n)) }

const transferPrefix = "transfer-"

// transfer is one transaction as its client knows it.
type transfer struct {
	n       int
	key     string
	effects []effect // of its branches; a reading has none
	reads   bool     // reads all accounts instead
	age     uint64
	id      txc.ID
	mark    uint64
	told    txc.Outcome // Undecided: nothing certain yet
	applied bool        // told committed, by a coordinator that had heard everybody
	first   time.Duration
	totals  int // how many totals there were when it was first sent
	request coordinator.Request
}

// effect is what a branch does.
type effect struct {
	participant string
	account     int
	by          int
}

// amount is what a transfer moves.
func (t *transfer) amount() int {
	if len(t.effects) == 0 {
		return 0
	}
	return -t.effects[0].by
}

// ledger is what was asked and told.
type ledger struct {
	order []*transfer
	quota int
	total int   // money in all stores together
	past  []int // what it was before a store was emptied, each time
}

func (l *ledger) issued() int { return len(l.order) }

// done reports whether the clients have asked enough, under enough faults, and are answered.
func (l *ledger) done(w *World) bool {
	if l.issued() < l.quota || w.faultCount() < minFaults {
		return false
	}
	for _, c := range w.clients {
		if c.current != nil {
			return false
		}
	}
	return true
}

// client runs its transfers one after the other. One whose outcome is unknown it sends again under its key.
type client struct {
	w       *World
	number  int
	current *transfer
	call    int // counts attempts: a late answer to an earlier one is still true, and checked
}

func (c *client) next() {
	l := &c.w.ledger
	if l.issued() >= l.quota && (c.w.healed || c.w.faultCount() >= minFaults) || l.issued() >= 3*l.quota {
		return
	}
	t := &transfer{n: l.issued() + 1, first: c.w.now, totals: len(l.past)}
	t.key = fmt.Sprintf("own-%d-%d", c.w.Seed, t.n)
	t.reads = c.w.chance(0.2)
	t.request = c.draw(t)
	l.order = append(l.order, t)
	c.current = t
	c.send()
}

func (c *client) draw(t *transfer) coordinator.Request {
	r := coordinator.Request{Key: t.key, OwnKey: c.w.chance(0.7), Timeout: c.w.between(300*time.Millisecond, 3*time.Second)}
	if c.w.chance(0.3) {
		r.Wait = coordinator.Decided
	}
	order := c.w.rng.Perm(len(c.w.participants))
	if t.reads {
		for _, i := range order {
			r.Work = append(r.Work, c.branch(i, readAll()))
		}
		return r
	}
	amount := 1 + c.w.rng.IntN(40)
	for at, i := range order[:2+c.w.rng.IntN(len(order)-1)] {
		e := effect{participant: c.w.participants[i].name, account: c.w.rng.IntN(accounts)}
		ops := []engine.Op{{Kind: engine.Add, Key: countKey(t.n), By: 1}}
		switch at {
		case 0:
			e.by = -amount
			ops = append(ops, engine.Op{Kind: engine.Add, Key: account(e.account), By: int64(e.by), Min: 0, HasMin: true})
		case 1:
			e.by = amount
			ops = append(ops, engine.Op{Kind: engine.Add, Key: account(e.account), By: int64(e.by)})
		}
		t.effects = append(t.effects, e)
		r.Work = append(r.Work, c.branch(i, ops))
	}
	return r
}

func readAll() []engine.Op {
	var ops []engine.Op
	for i := range accounts {
		ops = append(ops, engine.Op{Kind: engine.Get, Key: account(i)})
	}
	return ops
}

func (c *client) branch(i int, ops []engine.Op) coordinator.Work {
	work, err := engine.EncodeWork(ops)
	if err != nil {
		c.w.broken("encode work: %v", err)
	}
	return coordinator.Work{Participant: c.w.participants[i].name, Work: work}
}

func (c *client) send() {
	t := c.current
	c.call++
	call := c.call
	r := t.request
	r.Age = t.age
	r.FirstSentAgo = c.w.now - t.first
	to := c.w.anyCoordinator()
	if !to.up {
		c.again()
		return
	}
	if c.w.read() {
		c.w.print("client %d sends %d to the %s", c.number, t.n, to.name)
	}
	to.ask(func(token coordinator.Token) coordinator.Event { return coordinator.AskRun{Request: r, Token: token} },
		func(a coordinator.Answered) { c.answer(t, call, a) })
}

// again tries the current transaction once more, some time later.
func (c *client) again() {
	call := c.call
	c.w.after(c.w.between(5*time.Millisecond, 500*time.Millisecond), func() {
		if c.call == call && c.current != nil {
			c.send()
		}
	})
}

// over goes on with the next transaction.
func (c *client) over() {
	c.current = nil
	c.call++
	c.w.after(c.w.between(0, 200*time.Millisecond), c.next)
}
