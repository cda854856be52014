package coordinator

import (
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// keyAsk is a request under a key: run whole, or only begun.
type keyAsk struct {
	token   Token
	request Request
	digest  [16]byte
	run     bool
	others  []*keyAsk // that came with this key while it was looked up
}

// byKey begins a request whose key names no committed transaction, and joins one whose transaction is in memory; if the
// key's transaction has ended as committed, its first outcome is told (C11). The key that the client library drew costs
// nothing here the first time it is sent.
//
// Requests that come while their key is being looked up wait for the same answer: one that began, committed and ended
// in that time would not be in it, and would run again. A first request that comes after one that was sent again, its
// client had given up: it must not run, whatever became of the other.
func (c *Core) byKey(a *keyAsk) {
	key := a.request.Key
	if c.joinKey(a) {
		return
	}
	span := c.o.HistorySpan
	if a.request.OwnKey {
		span = wal.OwnKeySpan
	}
	if a.request.FirstSentAgo > span {
		c.answer(Answered{Token: a.token, Result: Result{Key: key, Outcome: txc.Unknown, Older: true, Reason: txc.Reason{
			Code: txc.CodeOlderThanHistory, Text: fmt.Sprintf("first sent %v ago, the history goes back %v", a.request.FirstSentAgo, span)}}})
		return
	}
	if first := c.asking[key]; first != nil {
		if len(first.others) >= maxWaiters {
			c.refuse(a.token, txc.ErrUnknown, txc.CodeBusy, "too many requests wait for what the log says of this key: ask again")
			return
		}
		first.others = append(first.others, a)
		return
	}
	switch first := a.request.FirstSentAgo == 0; {
	case !a.request.OwnKey:
	case first && !c.retried.has(key):
		c.fresh(a)
		return
	case !first && !c.retried.add(key, c.w.Now):
		c.refuse(a.token, txc.ErrUnknown, txc.CodeBusy, "too many requests were sent again of late: ask again")
		return
	}
	c.asking[key] = a
	c.lookup(Lookup{Key: key}, func(f Found) {
		delete(c.asking, key)
		c.byLog(a, f)
		for _, other := range a.others {
			c.byLog(other, f)
		}
	})
}

// byLog goes on when the log was read.
func (c *Core) byLog(a *keyAsk, f Found) {
	switch {
	case f.Err != nil:
		c.answer(Answered{Token: a.token, Err: unreadable(f.Err)})
	case c.joinKey(a): // the one before it has begun
	case !f.OK && c.mayBeLost(a.request):
		c.answer(Answered{Token: a.token, Result: Result{Key: a.request.Key, Outcome: txc.Unknown, Older: true, Reason: txc.Reason{
			Code: txc.CodeOlderThanHistory, Text: "it was first sent before records of this log were lost: look at the participants"}}})
	case !f.OK && c.mayHaveCommitted(a.request):
		c.answer(Answered{Token: a.token, Result: Result{Key: a.request.Key, Outcome: txc.Unknown, Reason: txc.Reason{
			Code: txc.CodeWaiting, Text: "it was first sent before this coordinator started, and not every participant has been heard since", Retryable: true}}})
	case !f.OK && a.request.OwnKey && a.request.FirstSentAgo == 0 && c.retried.has(a.request.Key):
		c.refuse(a.token, txc.ErrInvalid, txc.CodeBadName, "this key's request was sent again before, and did not say that it was the first")
	case !f.OK:
		c.fresh(a)
	default:
		c.replay(a, f)
	}
}

// mayBeLost reports whether an earlier attempt under this key may be among what was lost in a loss that was accepted:
// whether it was first sent before this opening, of a log that has ever lost something. How long before, only clocks that
// jump between two processes could tell.
func (c *Core) mayBeLost(r Request) bool {
	return len(c.openings.Losses) > 0 && r.FirstSentAgo != 0 && c.w.Now.Sub(c.opened) <= r.FirstSentAgo+clockSlack
}

// mayHaveCommitted reports whether an earlier attempt under this key may have committed in an older opening although the
// log shows nothing: it may have lost its end, and only participants tell (C6). To run the request again would be to
// presume that it has not.
func (c *Core) mayHaveCommitted(r Request) bool {
	since := c.w.Now.Sub(c.opened)
	switch {
	case r.FirstSentAgo == 0 || r.FirstSentAgo+clockSlack < since:
		return false
	case len(c.stopped) > 0:
		return true
	default:
		return len(c.absent(nil)) > 0 && (c.o.PresumeAfter < 0 || since < c.o.PresumeAfter)
	}
}

// clockSlack is how much longer ago than a client says its first attempt may have been sent: the way here takes time.
const clockSlack = time.Second

func (c *Core) fresh(a *keyAsk) {
	if a.run {
		c.run(a.token, a.request, a.digest)
	} else {
		c.begin(a.token, a.request)
	}
}

// joinKey joins the transaction of this key that runs, or has committed and not ended.
func (c *Core) joinKey(a *keyAsk) bool {
	l := c.keys[a.request.Key]
	switch {
	case l == nil:
		return false
	case differ(l.digest, a.digest):
		c.refuseKey(a.token, a.request.Key)
	case a.run:
		c.wait(l, waiter{token: a.token, wait: a.request.Wait})
	default:
		c.answer(Answered{Token: a.token, Result: c.result(l)})
	}
	return true
}

// differ compares digests where both are known: an interactive transaction has none before its Commit.
func differ(a, b [16]byte) bool {
	return a != b && a != [16]byte{} && b != [16]byte{}
}

func (c *Core) refuseKey(t Token, key string) {
	c.refuse(t, txc.ErrKeyReused, txc.CodeKeyReused, fmt.Sprintf("key %q was used for another request: draw a new key for new work", key))
}

// replay tells the first outcome of a key. Results are gone.
func (c *Core) replay(a *keyAsk, f Found) {
	body := f.Record.Body.(wal.CommitBody)
	if differ(body.Digest, a.digest) {
		c.refuseKey(a.token, body.Key)
		return
	}
	c.answer(Answered{Token: a.token, Result: c.fromRecord(f)})
}

// fromRecord is what the history tells of a committed transaction.
func (c *Core) fromRecord(f Found) Result {
	body := f.Record.Body.(wal.CommitBody)
	mark, _ := c.openings.MarkOf(f.Record.ID.Epoch)
	r := Result{ID: f.Record.ID, Mark: mark, Key: body.Key, Outcome: txc.Committed, Applied: f.Ended, Replayed: true}
	for _, m := range body.Members {
		state := "in-doubt"
		if f.Ended {
			state = "committed"
		}
		if p := c.peers[m.Participant]; p != nil && p.quarantined() {
			state = "hazard" // its store is not the one that acknowledged (C13)
		}
		r.Branches = append(r.Branches, BranchResult{Participant: m.Participant, Vote: txc.Yes, State: state})
	}
	return r
}

func unreadable(err error) error {
	return fmt.Errorf("%w: read the log: %w", txc.ErrUnknown, err)
}

func (c *Core) lookup(l Lookup, then func(Found)) {
	l.For = then
	c.out.Lookups = append(c.out.Lookups, l)
}
