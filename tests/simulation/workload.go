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
	accounts  = 3
	funds     = 100
	perClient = 8 // transactions of one client
)

func account(i int) []byte { return []byte("account-" + strconv.Itoa(i)) }

// witnessKey is what every writing branch of a transfer leaves behind: the audit reads it from the stores themselves.
func witnessKey(n int) []byte { return []byte("transfer-" + strconv.Itoa(n)) }

// transfer is one transaction as its client knows it.
type transfer struct {
	n       int
	key     string
	writes  []string // participants
	reads   bool     // reads all accounts instead
	age     uint64
	id      txc.ID
	told    txc.Outcome // Undecided: nothing certain yet
	first   time.Duration
	request coordinator.Request
}

// ledger is what was asked and told.
type ledger struct {
	transactions map[int]*transfer
	order        []*transfer
}

// client runs its transfers one after the other. One whose outcome is unknown it sends again under its key.
type client struct {
	w       *World
	number  int
	done    int
	current *transfer
	to      *coordinatorNode // where the current attempt went
	call    int              // counts attempts: a late answer to an earlier one is still true, and checked
}

func (c *client) next() {
	if c.done == perClient {
		return
	}
	c.done++
	t := &transfer{n: len(c.w.ledger.order) + 1, first: c.w.now}
	t.key = fmt.Sprintf("own-%d-%d", c.w.Seed, t.n)
	t.reads = c.w.chance(0.2)
	t.request = c.draw(t)
	c.w.ledger.order = append(c.w.ledger.order, t)
	c.w.ledger.transactions[t.n] = t
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
	amount := int64(1 + c.w.rng.IntN(40))
	for at, i := range order[:2+c.w.rng.IntN(len(order)-1)] {
		var ops []engine.Op
		who := account(c.w.rng.IntN(accounts))
		switch at {
		case 0:
			ops = append(ops, engine.Op{Kind: engine.Add, Key: who, By: -amount, Min: 0, HasMin: true})
		case 1:
			ops = append(ops, engine.Op{Kind: engine.Add, Key: who, By: amount})
		}
		ops = append(ops, engine.Op{Kind: engine.Put, Key: witnessKey(t.n), Value: []byte("1")})
		t.writes = append(t.writes, c.w.participants[i].name)
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
	c.to = c.w.anyCoordinator()
	if !c.to.up {
		c.again()
		return
	}
	c.w.log("client %d sends %d", c.number, t.n)
	c.to.put(coordinator.AskRun{Request: r, Token: func(a coordinator.Answered) { c.answer(t, call, a) }})
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

// coordinatorDied leaves every call unknown.
func (c *client) coordinatorDied(who *coordinatorNode) {
	if c.current != nil && (c.to == nil || c.to == who) {
		c.again()
	}
}

// answer checks what a client is told against all that it was told before.
func (c *client) answer(t *transfer, call int, a coordinator.Answered) {
	c.w.log("client %d hears of %d: %s %s %v", c.number, t.n, a.Result.Outcome, a.Result.Reason, a.Err)
	outcome := a.Result.Outcome
	if outcome == txc.Unknown && a.Result.Older && c.call == call && c.current == t {
		if !c.w.lossFound {
			c.w.broken("V7: transfer %d will never be known, though nothing was lost", t.n)
		}
		c.current = nil // nobody will ever say
		c.call++
		c.w.after(c.w.between(0, 300*time.Millisecond), c.next)
		return
	}
	if a.Err != nil || !outcome.Decided() {
		if c.call == call && c.current == t {
			c.again()
		}
		return
	}
	if a.Result.Age != 0 {
		t.age = a.Result.Age
	}
	if t.told == txc.Committed && outcome == txc.Aborted && !c.w.twoOwners() {
		c.w.broken("V2: transfer %d was told committed as %s, and then aborted", t.n, t.id)
	}
	if outcome == txc.Committed && t.told == txc.Committed && a.Result.ID != t.id && !t.reads && !c.w.twoOwners() {
		c.w.broken("V8: transfer %d committed twice, as %s and as %s", t.n, t.id, a.Result.ID)
	}
	if outcome == txc.Committed {
		t.told, t.id = outcome, a.Result.ID
		c.checkRead(t, a.Result)
	} else if t.told == txc.Undecided {
		t.told = outcome
	}
	if c.call != call || c.current != t {
		return
	}
	if outcome == txc.Aborted && a.Result.Reason.Retryable && c.w.chance(0.7) {
		t.told = txc.Undecided // tried again under its key: only the last word counts
		c.again()
		return
	}
	c.current = nil
	c.call++
	c.w.after(c.w.between(0, 300*time.Millisecond), c.next)
}

// checkRead holds a committed reading of all accounts against the one sum that every serial order has (S1).
func (c *client) checkRead(t *transfer, r coordinator.Result) {
	if !t.reads || r.Replayed {
		return
	}
	sum := 0
	for _, b := range r.Branches {
		results, err := engine.DecodeResults(b.Results)
		if err != nil || len(results) != accounts {
			c.w.broken("transfer %d read %d values at %s: %v", t.n, len(results), b.Participant, err)
			return
		}
		for _, v := range results {
			n, err := strconv.Atoi(string(v.Value))
			if err != nil {
				c.w.broken("transfer %d read %q: %v", t.n, v.Value, err)
			}
			sum += n
		}
	}
	if want := accounts * funds * len(c.w.participants); sum != want {
		c.w.broken("S1: transfer %d read %d in all accounts together, not %d", t.n, sum, want)
	}
}
