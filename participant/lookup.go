package participant

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// A decision about a branch that memory knows nothing of is first put to the store: it may hold the marker of an
// earlier start, or a promise that landed late. "Not found" is the store's word, never memory's (P7).

// lookUp asks the store by doing what the message says: both deeds are repeatable, and right whatever is there.
func (c *Core) lookUp(k key, from arrived, deed Deed, evidence []byte) {
	lv := c.born(k)
	lv.looking = true
	lv.fateTo = from.session
	lv.evidence = evidence
	lv.queued = append(lv.queued, from)
	c.call(lv, Call{Deed: deed, Evidence: evidence})
}

// lookedUp feeds the machine what the store shows, then the message that asked, then what came meanwhile.
func (c *Core) lookedUp(lv *live, d Done) {
	_, commit := lv.queued[0].message.Body.(protocol.Commit)
	queued := lv.queued
	lv.queued = nil
	if commit {
		c.shownCommit(lv, d)
	} else {
		c.shownAbort(lv, d)
	}
	lv.looking = false
	if lv.machine == (protocol.Branch{}) {
		delete(c.branches, lv.key)
	}
	switch { // what the machine wanted done while the store was being asked
	case lv.again != nil:
	case lv.machine.Phase == protocol.Undoing:
		c.callLater(lv, Call{Deed: DeedAbort, Evidence: lv.evidence})
	case lv.machine.Phase == protocol.Applying:
		c.callLater(lv, Call{Deed: DeedCommit, Evidence: lv.evidence})
	}
	for _, q := range queued[1:] {
		c.receive(q.session, q.message)
	}
}

func (c *Core) shownCommit(lv *live, d Done) {
	switch {
	case d.Err != nil: // unknown: no reply; the coordinator repeats it
	case d.Fate == txc.CommittedBefore:
		c.feed(lv, protocol.CommittedListed{})
		c.feed(lv, protocol.CommitTold{})
	case d.Fate == txc.NeverPrepared:
		c.feed(lv, protocol.CommitTold{})
	default: // a promise that nobody had listed
		c.feed(lv, protocol.PromiseListed{})
		c.feed(lv, protocol.CommitTold{})
		c.applied(lv, d)
	}
}

func (c *Core) shownAbort(lv *live, d Done) {
	switch {
	case d.Err != nil: // unknown: it stays to be rolled back, until the store says that nothing is left
		c.feed(lv, protocol.PromiseListed{})
		c.feed(lv, protocol.AbortTold{})
	case d.Fate.Applied():
		c.feed(lv, protocol.CommittedListed{})
		c.feed(lv, protocol.AbortTold{})
	default:
		c.feed(lv, protocol.AbortTold{})
	}
}
