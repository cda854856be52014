package coordinator

import (
	"time"

	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// sweep reads a participant's own list, page by page, at a hello and then now and then. What is shown is checked (C5,
// C6); orphans among it are sought (C9):
//
//	P  list all that is prepared; of each branch:
//	A    does its transaction run here? then its own machine sees to it
//	T    is it recorded? the log is asked after memory
//	Q  list again, from the start: only what is still prepared is touched
type sweep struct {
	timer   timer
	stage   sweepStage
	some    bool // P had a branch, or may have missed one
	lost    bool // P had a marker whose record is lost: nothing was heard (C6)
	next    string
	shown   disowned
	orphans map[protocol.Proof]*orphan // candidates: in P, not in A
	wait    int                        // look-ups that are out
	waits   bool                       // Q left a branch alone because a member had not been heard
	counted uint64                     // core.counted then
	round   int                        // look-ups of an earlier round are not counted
	missed  int                        // searches in a row that came to nothing, before the participant is heard
}

type sweepStage uint8

const (
	resting sweepStage = iota
	listing            // a page of P is out
	looking            // that page is looked up in the log
	again              // a page of Q is out
)

// orphan is a branch of P, with what the coordinator knew of it then.
type orphan struct {
	judged   protocol.Prepared
	recorded bool   // T has it
	evidence []byte // of its commit record
}

func (c *Core) startSweep(p *peer) {
	if !p.ready {
		return
	}
	c.stopSweep(p)
	p.sweep.some, p.sweep.lost, p.sweep.waits = p.load > 0, false, false
	c.askList(p, "", listing)
}

// nowCounts is for a participant that holds nothing up any more: it was heard, or is gone for good. What was presumed
// without it is checked, and what other lists waited for it with is looked at again, not only in the next round.
func (c *Core) nowCounts() {
	c.counted++
	c.checkPresumed()
	for _, p := range c.byName {
		if p.sweep.waits && p.sweep.stage == resting {
			c.startSweep(p)
		}
	}
}

func (c *Core) stopSweep(p *peer) {
	c.timers.disarm(&p.sweep.timer)
	p.sweep.stage, p.sweep.orphans, p.sweep.shown, p.sweep.wait = resting, nil, disowned{}, 0
	p.sweep.round++
}

// sweepAgain says when a search begins again that ends, or comes to nothing: nobody works with a participant that is not
// heard, so it is asked again sooner at first.
func (c *Core) sweepAgain(p *peer) {
	wait := c.o.OrphanEvery
	if !p.heard {
		wait = min(wait, unheardEvery<<min(p.sweep.missed, 10))
	}
	c.timers.arm(&p.sweep.timer, c.w.Now.Add(wait))
}

// unheardEvery is the first pause before a participant that has not shown its list is asked again.
const unheardEvery = 2 * time.Second

// askList asks for a page. A page that never comes does not end the search: it begins again in time (C10).
func (c *Core) askList(p *peer, page string, stage sweepStage) {
	p.sweep.stage = stage
	c.sweepAgain(p)
	p.say(Message{Body: protocol.List{Page: page}})
}

func (c *Core) listed(p *peer, b protocol.Listed) {
	for _, s := range b.Seen {
		if !c.judge(p.name, s) && c.fenced {
			return
		}
	}
	switch p.sweep.stage {
	case listing:
		c.pageOfP(p, b)
	case again:
		c.pageOfQ(p, b)
	case resting, looking:
		// A page that nobody waits for: the link broke in between.
	}
}

// pageOfP checks every epoch, mark and marker that is shown, and then looks every prepared branch up.
func (c *Core) pageOfP(p *peer, b protocol.Listed) {
	s := &p.sweep
	s.next, s.stage = b.Next, looking
	s.some = s.some || len(b.InDoubt) > 0
	for _, proof := range b.Committed {
		c.checkMarker(p, proof)
	}
	for i := range b.InDoubt {
		d := &b.InDoubt[i]
		switch {
		case d.Settled != 0: // its own question sees to it (H4)
			c.owns(p, d.ID, d.Mark)
		case c.isDisowned(d.ID, d.Mark):
			s.shown.add(&s.shown.doubt, d.ID, d.Mark)
		case c.owns(p, d.ID, d.Mark):
			c.lookAt(p, d)
		}
		c.lastAge = max(c.lastAge, d.Age) // ages that are kept by promises are not given out again (S3)
	}
	c.looked(p)
}

// lookAt is A, then T.
func (c *Core) lookAt(p *peer, d *InDoubt) {
	s, proof := &p.sweep, protocol.Proof{ID: d.ID, Mark: d.Mark}
	if l := c.live[d.ID]; l != nil && l.mark == d.Mark || s.orphans[proof] != nil || len(s.orphans) >= maxOrphans {
		return
	}
	o := &orphan{judged: protocol.Prepared{Ours: true, InP: true}}
	if s.orphans == nil {
		s.orphans = map[protocol.Proof]*orphan{}
	}
	s.orphans[proof] = o
	s.wait++
	round := s.round
	c.lookup(Lookup{ID: d.ID}, func(r Found) {
		if round != s.round {
			return
		}
		s.wait--
		o.judged.Looked, o.recorded = r.Err == nil, r.OK
		if r.OK {
			o.judged.Commit = !r.Ended && names(r.Record, p.name)
			o.judged.Over = !o.judged.Commit
			o.evidence = evidence(r.Record, p.name)
		}
		c.looked(p)
	})
}

// checkMarker looks a marker up: one that is neither recorded nor at or below the floor proves that the log has lost
// its record (C6).
func (c *Core) checkMarker(p *peer, proof protocol.Proof) {
	s := &p.sweep
	if c.isDisowned(proof.ID, proof.Mark) {
		s.shown.add(&s.shown.done, proof.ID, proof.Mark)
	}
	if proof.ID.Coordinator != c.number || c.isDisowned(proof.ID, proof.Mark) {
		return
	}
	if !c.owns(p, proof.ID, proof.Mark) {
		s.lost = true
		return
	}
	if l := c.live[proof.ID]; l != nil && l.tx.Phase > protocol.Deciding {
		return
	}
	s.wait++
	round := s.round
	c.lookup(Lookup{ID: proof.ID}, func(r Found) {
		if round != s.round {
			return
		}
		s.wait--
		switch known := c.known(proof.ID, r.OK); {
		case r.Err != nil: // an unreadable log: everything is left alone, and looked at again
			c.stopSweep(p)
			c.sweepAgain(p)
			return
		case !known.Recorded && !known.BelowFloor && c.odd[proof.ID] == nil:
			s.lost = true
			c.notContained(p.name, proof)
		}
		c.looked(p)
	})
}

// looked goes on when every look-up of a page has come back: with the next page, or after the last one with Q.
func (c *Core) looked(p *peer) {
	s := &p.sweep
	switch {
	case s.stage != looking || s.wait > 0:
		return
	case s.next != "":
		c.askList(p, s.next, listing)
		return
	}
	p.empty, p.disowned = !s.some, s.shown
	if !p.heard && !s.lost && c.contained(p) {
		p.heard, s.missed = true, 0
		c.refreshWatermarks()
		c.nowCounts()
	}
	if len(s.orphans) > 0 {
		c.askList(p, "", again)
		return
	}
	c.restSweep(p)
}

func (c *Core) restSweep(p *peer) {
	c.stopSweep(p)
	if p.sweep.waits && p.sweep.counted != c.counted {
		c.startSweep(p) // what it waited for came while its pages did
		return
	}
	c.sweepAgain(p)
}

// pageOfQ ends the orphans among what is still prepared.
func (c *Core) pageOfQ(p *peer, b protocol.Listed) {
	for i := range b.InDoubt {
		d := &b.InDoubt[i]
		if o := p.sweep.orphans[protocol.Proof{ID: d.ID, Mark: d.Mark}]; o != nil && d.Settled == 0 {
			o.judged.InQ = true
			c.judgeOrphan(p, d, o)
		}
	}
	if b.Next != "" {
		c.askList(p, b.Next, again)
		return
	}
	c.restSweep(p)
}

func (c *Core) judgeOrphan(p *peer, d *InDoubt, o *orphan) {
	known := c.known(d.ID, o.recorded)
	o.judged.Over = o.judged.Over || known.BelowFloor && !known.Recorded && p.reg.Stamp == 0 // it may have been restored from a copy (C4)
	o.judged.Heard = known.ThisOpening && !known.Disowned
	if protocol.JudgeOrphan(o.judged) != protocol.NextRound {
		c.endOrphan(p, d, o)
		return
	}
	if o.judged.Over || !o.judged.Looked || o.judged.Heard {
		return
	}
	link, counted := p.links, c.counted
	c.presume(d.ID, known, d.Members, func(ok bool) {
		o.judged.Heard = ok
		if !ok {
			p.sweep.waits, p.sweep.counted = true, counted
		}
		if p.ready && p.links == link {
			c.endOrphan(p, d, o)
		}
	})
}

func (c *Core) endOrphan(p *peer, d *InDoubt, o *orphan) {
	switch protocol.JudgeOrphan(o.judged) {
	case protocol.CommitOrphan:
		p.say(Message{ID: d.ID, Mark: d.Mark, Body: protocol.Commit{Evidence: o.evidence}})
	case protocol.AbortOrphan:
		p.say(Message{ID: d.ID, Mark: d.Mark, Body: protocol.Abort{Evidence: d.Evidence}})
	case protocol.NextRound:
	}
}

func evidence(r wal.Record, participant string) []byte {
	for _, m := range r.Body.(wal.CommitBody).Members {
		if m.Participant == participant {
			return m.Evidence
		}
	}
	return nil
}
