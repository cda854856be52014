package coordinator

import (
	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// peer is a participant as this opening knows it.
type peer struct {
	name        string
	reg         wal.RegistrationBody // State "": only records name it, it never registered
	shown       protocol.Welcome     // what it showed last; of a quarantined one: what an operator may accept
	incarnation uint64
	past        []uint64 // the incarnations before it, of this opening, the last few
	savedStamp  uint64   // in the log
	stampBy     uint64   // the incarnation that showed reg.Stamp, or more; 0: one before this opening
	saving      bool     // a registration is being made durable
	after       []func()
	links       uint64 // counts connections
	link        bool   // a connection is there
	ready       bool   // this connection's Welcome was accepted: it may be told decisions
	heard       bool   // by this opening: witnesses and markers were contained (C6)
	empty       bool   // a complete list of it was empty, and nothing was sent there since
	load        int    // branches that are undecided or unacknowledged (C10)
	waiting     int    // questions of it that wait for the log
	watermark   txc.ID
	open        []txc.ID // exceptions below it; never changed in place: messages share it
	alive       []txc.ID // scratch of refreshWatermarks
	sweep       sweep
	disowned    disowned
	out, spare  []Message // what this Step says, and what the last one said
}

func (p *peer) say(m Message)     { p.out = append(p.out, m) }
func (p *peer) quarantined() bool { return p.reg.State == wal.StateQuarantined }
func (p *peer) gone() bool        { return p.reg.State == wal.StateGone }
func (p *peer) leaving() bool {
	return p.reg.State == wal.StateDraining || p.reg.State == wal.StateRemoved || p.reg.State == wal.StateGone
}

// counts reports whether nothing more can be learnt from waiting for it (C6).
func (p *peer) counts() bool {
	return p.heard || p.gone() || p.reg.State == wal.StateRemoved
}

// forgetHello is for a store that is not, or may not be, the one that said hello: it is to be heard again.
func (p *peer) forgetHello() {
	p.heard, p.empty = false, false
	p.watermark, p.open = txc.ID{}, nil
}

func (p *peer) state() string {
	switch {
	case p.gone():
		return "gone"
	case p.quarantined():
		return "quarantined"
	case p.leaving():
		return p.reg.State
	case p.heard && p.ready:
		return "heard"
	default:
		return "unheard"
	}
}

// peer finds a participant, or makes one of whom only records are known.
func (c *Core) peer(name string) *peer {
	p := c.peers[name]
	if p == nil {
		p = &peer{name: name}
		p.sweep.timer.list = p
		c.peers[name] = p
		c.byName = append(c.byName, p)
		c.sortPeers()
	}
	return p
}

func (c *Core) restorePeer(b wal.RegistrationBody) {
	p := c.peer(b.Name)
	p.reg, p.savedStamp = b, b.Stamp
}

// Connect lists whom to dial after NewCore: everybody who may have something to be told, or to show. A coordinator that
// saw another owner of its number speaks to nobody (C5).
func (c *Core) Connect() []Peer {
	var all []Peer
	for _, p := range c.byName {
		if c.dials(p) {
			all = append(all, p.public())
		}
	}
	return all
}

func (c *Core) dials(p *peer) bool {
	return !c.fenced && p.reg.State != "" && p.reg.State != wal.StateRemoved && !p.gone()
}

// redial makes the link again, or for the first time.
func (c *Core) redial(p *peer) {
	c.linkDown(p.name)
	if c.dials(p) {
		c.out.Dial = append(c.out.Dial, p.public())
	}
}

func (p *peer) public() Peer {
	return Peer{Name: p.name, Address: p.reg.Address, Kind: p.reg.Kind, Version: p.reg.Version, Instance: p.reg.Instance,
		Incarnation: p.incarnation, Stamp: p.reg.Stamp, Seen: p.shown.Seen}
}

// Heard reports whether every participant that counts has been heard: Open need not ask any longer.
func (c *Core) Heard() bool { return len(c.absent(nil)) == 0 }

func (c *Core) sender(p *peer) protocol.Sender {
	return protocol.Sender{Cluster: c.cluster, Coordinator: c.number, Epoch: c.epoch, Mark: c.mark, LSN: c.head, Watermark: p.watermark, Open: p.open}
}

func (c *Core) linkUp(name string) {
	p := c.peers[name]
	if p == nil || !c.dials(p) {
		return
	}
	c.linkDown(name) // an earlier one, if nobody said so
	p.links++
	p.link, p.sweep.missed = true, 0
	p.say(Message{Body: protocol.Hello{}})
}

// linkDown makes a No, not certain, of every Prepare that has no vote yet. A vote once taken outlives its stream.
func (c *Core) linkDown(name string) {
	p := c.peers[name]
	if p == nil {
		return
	}
	p.link, p.ready = false, false
	p.out = p.out[:0]
	c.stopSweep(p)
	for l := c.order.first; l != nil; {
		next := l.next
		if l.tx.Phase == protocol.Voting {
			if i := l.branchOf(p); i >= 0 && l.branches[i].vote == 0 {
				l.reason = txc.Reason{Code: txc.CodeLostVote, Text: "the link broke before its vote", Participant: name, Retryable: true}
				c.step(l, protocol.PeerLost{Branch: i})
			}
		}
		l = next
	}
}

func (l *live) branchOf(p *peer) int {
	for i := range l.branches {
		if l.branches[i].peer == p {
			return i
		}
	}
	return -1
}

// welcome accepts a connection, or says why not. What the participant shows is final for every older opening (P6).
func (c *Core) welcome(p *peer, w protocol.Welcome) {
	if w.Name != p.name {
		c.hangup(p) // somebody else has its address: it registers again when it is back
		return
	}
	if p.ready {
		if w.Incarnation == p.incarnation {
			return
		}
		c.linkDown(p.name) // it restarted behind the same link: whoever has no vote gets none
		p.link = true
	}
	p.shown = w
	for _, s := range w.Seen {
		if !c.judge(p.name, s) && c.fenced {
			return
		}
	}
	if why := p.suspicious(w); why != "" {
		c.quarantine(p, why)
		return
	}
	if p.quarantined() {
		c.hangup(p) // what it is was seen: an operator may accept it
		return
	}
	p.began(w.Incarnation)
	c.stamp(p, w.Stamp)
	p.ready = true
	for l := c.order.first; l != nil; {
		next := l.next
		if i := l.branchOf(p); i >= 0 {
			c.step(l, protocol.PeerBack{Branch: i})
		}
		l = next
	}
	if c.contained(p) {
		c.startSweep(p)
	}
}

// began notes a start of the participant.
func (p *peer) began(incarnation uint64) {
	if p.incarnation != 0 && p.incarnation != incarnation {
		if len(p.past) == maxPast {
			p.past = p.past[1:]
		}
		p.past = append(p.past, p.incarnation)
	}
	p.incarnation = incarnation
}

// contained reports whether what the participant showed last is in our log.
func (c *Core) contained(p *peer) bool {
	for _, s := range p.shown.Seen {
		if s.Coordinator == c.number && !c.openings.Judge(s, c.head).Good() {
			return false
		}
	}
	return true
}

func (c *Core) hangup(p *peer) {
	c.linkDown(p.name)
	c.out.Hangup = append(c.out.Hangup, p.name)
}

// quarantine keeps a participant whose store is not the one we knew away from everything, until an operator accepts it.
func (c *Core) quarantine(p *peer, why string) {
	c.hangup(p)
	p.forgetHello()
	c.alone(p, func() {
		next := p.reg
		next.State, next.Why = wal.StateQuarantined, why
		if next == p.reg {
			return
		}
		p.reg = next // at once: that it may do less needs no record
		c.saveReg(p, next, func() {})
	})
}

// stamp keeps the highest stamp that a participant's store showed (P12).
func (c *Core) stamp(p *peer, s uint64) {
	if s >= p.reg.Stamp {
		p.reg.Stamp, p.stampBy = s, p.incarnation
	}
}

func (c *Core) saveStamps() {
	for _, p := range c.byName {
		if p.reg.Stamp > p.savedStamp && p.reg.State != "" && !p.quarantined() && !p.saving {
			c.saveReg(p, p.reg, func() {})
		}
	}
}
