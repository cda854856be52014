package coordinator

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// askRegister takes a participant in, or its new address; repeated after every start of it (C13).
func (c *Core) askRegister(ev AskRegister) {
	if err := checkPeer(ev.Peer); err != nil {
		c.answer(Answered{Token: ev.Token, Err: err})
		return
	}
	for _, s := range ev.Peer.Seen {
		if !c.fenced {
			c.judge(ev.Peer.Name, s)
		}
	}
	if c.fenced {
		_, text := c.refusing()
		c.refuse(ev.Token, txc.ErrUnavailable, txc.CodeWaiting, text)
		return
	}
	p := c.peers[ev.Peer.Name]
	if p == nil || p.reg.State == "" || p.reg.State == wal.StateRemoved {
		if n := c.registered(); n >= maxPeers || p == nil && len(c.peers) >= maxNames {
			c.refuse(ev.Token, txc.ErrBusy, txc.CodeBusy, fmt.Sprintf("%d participants are registered here: remove some", n))
			return
		}
	}
	p = c.peer(ev.Peer.Name)
	c.alone(p, func() { c.register(p, ev) })
}

// registered counts the participants that are not removed.
func (c *Core) registered() (n int) {
	for _, p := range c.byName {
		if p.reg.State != wal.StateRemoved {
			n++
		}
	}
	return n
}

func (c *Core) register(p *peer, ev AskRegister) {
	removed := p.reg.State == wal.StateRemoved && p.incarnation != 0 && ev.Peer.Incarnation == p.incarnation
	if removed || slices.Contains(p.past, ev.Peer.Incarnation) {
		c.answer(Answered{Token: ev.Token, Opening: c.sender(p)}) // of a start that is over, or whose end was the removal
		return
	}
	next, changed := p.registration(ev.Peer)
	if next.State != wal.StateQuarantined && ev.Peer.Stamp >= p.reg.Stamp {
		p.stampBy = ev.Peer.Incarnation
	}
	if !changed {
		again := ev.Peer.Incarnation != 0 && ev.Peer.Incarnation != p.incarnation || p.older(ev.Peer.Incarnation, ev.Peer.Stamp) != ""
		c.answer(Answered{Token: ev.Token, Opening: c.sender(p)})
		if !p.link || p.ready && again {
			c.redial(p) // it says that it is there, and started again: the link does not have to find out
		}
		return
	}
	c.saveReg(p, next, func() {
		c.answer(Answered{Token: ev.Token, Opening: c.sender(p)})
		if c.dials(p) {
			c.redial(p)
		} else {
			c.hangup(p)
		}
	})
}

// alone runs what changes a participant's registration when no other change of it is on its way to the log: nothing is
// decided on what is about to change.
func (c *Core) alone(p *peer, change func()) {
	if p.saving {
		p.after = append(p.after, change)
		return
	}
	change()
}

// saveReg makes a registration durable before it takes effect. Another store under the name, or one that was away for
// good, is to be heard again.
func (c *Core) saveReg(p *peer, next wal.RegistrationBody, then func()) {
	p.saving, p.savedStamp = true, next.Stamp
	c.append(wal.New(txc.ID{}, c.w.Now, next), done{call: func(c *Core, _ uint64) {
		p.saving = false
		if next.State == wal.StateQuarantined || next.Instance != p.reg.Instance || p.reg.State == wal.StateRemoved || p.gone() {
			p.forgetHello()
			if next.State == wal.StateQuarantined && !p.quarantined() {
				c.alarm(p.name + " is quarantined: " + next.Why)
			}
		} else if !p.quarantined() {
			next.Stamp = max(next.Stamp, p.reg.Stamp) // what it showed meanwhile
		}
		p.reg = next
		then()
		for len(p.after) > 0 && !p.saving {
			change := p.after[0]
			p.after = p.after[1:]
			change()
		}
	}})
}

// registration says what the log should know after a participant registered, and whether that is news.
func (p *peer) registration(q Peer) (wal.RegistrationBody, bool) {
	next := wal.RegistrationBody{Name: q.Name, Address: q.Address, Kind: q.Kind, Version: q.Version, Instance: q.Instance,
		Stamp: max(p.reg.Stamp, q.Stamp), State: wal.StateActive}
	switch p.reg.State {
	case "", wal.StateRemoved:
		next.Stamp = q.Stamp
		return next, true
	case wal.StateDraining:
		next.State, next.Who, next.Why = p.reg.State, p.reg.Who, p.reg.Why
	case wal.StateGone, wal.StateQuarantined:
		next.State, next.Instance, next.Stamp = wal.StateQuarantined, p.reg.Instance, p.reg.Stamp
		next.Who, next.Why = p.reg.Who, p.reg.Why
		if p.gone() {
			next.Why = "it was declared gone, and came back"
		}
	}
	if why := p.another(q.Instance); why != "" && !p.quarantined() {
		next.State, next.Why = wal.StateQuarantined, why
		next.Instance, next.Stamp = p.reg.Instance, p.reg.Stamp
	}
	if next.State == wal.StateQuarantined {
		p.shown.Instance, p.shown.Stamp = q.Instance, q.Stamp
	}
	old := p.reg
	old.Stamp = next.Stamp // the stamp alone is no news: it is noted lazily
	return next, next != old
}

// suspicious tells, in words, why the store of a participant that answers a hello is not the one that was known; "" if it
// is (C13, P12).
func (p *peer) suspicious(w protocol.Welcome) string {
	if why := p.another(w.Instance); why != "" {
		return why
	}
	return p.older(w.Incarnation, w.Stamp)
}

func (p *peer) another(instance [16]byte) string {
	if p.known() && !bytes.Equal(p.reg.Instance[:], instance[:]) {
		return fmt.Sprintf("its store is another one (%x instead of %x): it was replaced or emptied", instance[:4], p.reg.Instance[:4])
	}
	return ""
}

// older compares stamps. One that the same start of the participant has outdone is only late: registrations and links
// overtake each other, and no store changes under a process that runs. So is a registration of a start that is over, which
// may have waited for longer than the next start needed to be linked: who registers with an older stamp is asked, by a
// hello, before anything is held against him.
func (p *peer) older(incarnation, stamp uint64) string {
	if p.known() && stamp < p.reg.Stamp && (incarnation == 0 || incarnation != p.stampBy) {
		return fmt.Sprintf("its store is older than it was (stamp %d after %d): it was restored from a copy", stamp, p.reg.Stamp)
	}
	return ""
}

func (p *peer) known() bool { return p.reg.State != "" && p.reg.State != wal.StateRemoved }
