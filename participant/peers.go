package participant

import (
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// peer is one coordinator, as the agent knows it.
type peer struct {
	number    uint32
	witnesses protocol.Witnesses // what was seen of its openings, the highest last (C6, P6)
	kept      protocol.Witnesses // of it, what is durable; a value that is not changed, like witnesses
	session   uint64             // its open link: the last one whose hello was answered; 0: none

	raising bool             // a newer opening is being made durable, or writes of earlier ones still run
	pending bool             // its epoch and mark are not durable yet
	gen     uint32           // openings seen at this start
	flights int              // calls in the store, for its branches
	older   int              // of them, begun for an earlier opening
	waiting []arrived        // what came meanwhile, of whatever opening: it is taken, or refused, then
	sender  *protocol.Sender // the last one heard, to know it again

	passed protocol.Passed
	tombs  map[key]protocol.Branch
	order  tombHeap // keys of tombs at or above the watermark, once each
	listed []key    // tombs below it that it lists

	asks    int // unary questions that wait for an answer
	chore   timer
	forgot  protocol.Passed // what the store was told to forget
	forgets bool            // it is being told
	lists   int             // listings that run for it
	listFor uint64          // a session whose list waits for one of them to end; 0: none
	looks   int             // listings that run for people
	listing listing

	strangers map[key]uint64 // promises that the last listing showed and nobody knows; the last call when each was first shown
}

func (c *Core) peer(number uint32) *peer {
	p := c.peers[number]
	if p == nil {
		p = &peer{number: number, tombs: map[key]protocol.Branch{}}
		p.chore.peer = p
		c.peers[number] = p
	}
	return p
}

// seen is the highest opening, and its LSN: what the fence compares with (P6).
func (p *peer) seen() Seen { return p.witnesses.Highest() }

// showable are the witnesses that may be shown: openings that are durable here, with any LSN of them.
func (p *peer) showable() protocol.Witnesses {
	if p.raising {
		return p.kept
	}
	return p.witnesses
}

// shown is the highest of them, which goes with each promise, commit, vote and answer.
func (p *peer) shown() Seen { return p.showable().Highest() }

// receive judges a message, hears what its sender says of itself, and hands it on.
func (c *Core) receive(session uint64, m Message) {
	if c.failed != nil {
		return
	}
	from := m.From
	if from == nil || from.Coordinator == 0 || from.Cluster != c.conf.Cluster {
		c.notMine(session, &m)
		return
	}
	p := c.peer(from.Coordinator)
	if p.raising && p.seen().Stand(from.Epoch, from.Mark) != protocol.Newer {
		if len(p.waiting) < maxWaiting { // of earlier openings too: what refuses them is not durable yet, so not to be shown
			p.waiting = append(p.waiting, arrived{session, m})
		}
		return
	}
	k := key{m.ID, m.Mark}
	var lv *live
	if !m.ID.IsZero() && m.ID.Coordinator == from.Coordinator {
		lv = c.find(k)
	}
	switch c.self.Guard(&m, p.seen(), p.passed, lv != nil) {
	case protocol.NotMine:
		c.notMine(session, &m)
	case protocol.FencedOff:
		c.send(session, Message{ID: m.ID, Mark: m.Mark, Body: protocol.Fenced{Seen: p.seen(), About: protocol.AboutOf(m.Body)}})
	case protocol.FirstSeen:
		c.raise(p, arrived{session, m})
	case protocol.OtherIncarnation:
		c.no(session, k, txc.CodeLostVote, "the participant has started anew since", false)
	case protocol.BelowWatermark:
		c.hear(p, &m)
		c.tooOld(session, k, m.Body)
	case protocol.Admitted:
		c.hear(p, &m)
		c.admitted(p, lv, arrived{session, m})
	}
}

// hear takes what a sender says of itself: its LSN, and what can no longer come.
func (c *Core) hear(p *peer, m *Message) {
	from := m.From
	if from == p.sender {
		return
	}
	_, hello := m.Body.(protocol.Hello)
	if !hello {
		p.sender = from // a hello enters no LSN: what follows under the same sender does
	}
	raised := p.witnesses.Hear(from, hello)
	moved := from.Watermark.Coordinator == p.number && (from.Watermark != p.passed.Below || !slices.Equal(from.Open, p.passed.Open))
	if !slices.Equal(raised, p.witnesses) {
		p.witnesses = raised
		c.dirty(p)
	}
	if moved {
		p.passed = p.passed.Join(protocol.Passed{Below: from.Watermark, Open: from.Open})
		c.passedOn(p)
	}
}

// notMine answers what is not meant for this participant, where an answer exists. It is never "done" (P8).
func (c *Core) notMine(session uint64, m *Message) {
	switch m.Body.(type) {
	case protocol.Prepare:
		c.no(session, key{m.ID, m.Mark}, txc.CodeWrongCluster, "the participant belongs to cluster "+c.conf.Cluster+", and takes an id from its own coordinator alone", false)
	case protocol.Hello:
		c.out.Troubles = append(c.out.Troubles, Trouble{Text: "a coordinator of another cluster said hello"})
	default:
	}
}

func (c *Core) tooOld(session uint64, k key, body protocol.Body) {
	switch body.(type) {
	case protocol.Prepare:
		c.no(session, k, txc.CodeBelowWatermark, "the transaction is over", true)
	case protocol.Commit:
		c.fate(session, k, txc.NeverPrepared)
	case protocol.Abort:
		c.fate(session, k, txc.AbortedNow)
	default:
	}
}

// raise sees to a newer opening (P6): its epoch and mark are made durable, and every write begun for an earlier one
// ends, before its hello, or anything else of it, is answered. What waits for an opening that this one overtakes goes on
// waiting, to be refused: a hello that is never answered leaves a link on which nothing happens. What an earlier opening
// left working can no longer be committed, since it never voted: it is ended now.
func (c *Core) raise(p *peer, first arrived) {
	_, hello := first.message.Body.(protocol.Hello)
	p.witnesses = p.witnesses.Hear(first.message.From, hello)
	p.sender = nil
	p.gen++
	p.older = p.flights
	p.raising, p.pending = true, true
	p.session = 0
	p.waiting = append(p.waiting[:min(len(p.waiting), maxWaiting-1)], first)
	c.remember()
	for _, lv := range c.liveOf(p.number) {
		if lv.ID.Epoch < p.seen().Epoch && unpromised(lv) {
			c.because(lv, txc.CodeFenced, "the coordinator has opened anew since")
			c.feed(lv, protocol.TimeUp{})
		}
	}
}

// settleDown lets the newer opening in, once nothing of the earlier ones is on its way to the store.
func (c *Core) settleDown(p *peer) {
	if !p.raising || p.pending || p.older > 0 {
		return
	}
	p.raising = false
	waiting := p.waiting
	p.waiting = nil
	for _, w := range waiting {
		c.receive(w.session, w.message)
	}
}
