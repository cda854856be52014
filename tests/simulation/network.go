package simulation

import (
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// wire is the connection between the coordinator and one participant: it is made again and again while the coordinator
// wants it and both are up.
type wire struct {
	w       *World
	c       *coordinatorNode
	p       *participantNode
	wanted  bool
	up      bool
	session uint64 // of the participant's agent
	life    int    // counts connections: what belongs to an earlier one is late
	toC     time.Duration
	toP     time.Duration // when the last message arrives: a stream keeps the order
	backoff time.Duration
}

func (n *wire) dial() {
	n.wanted, n.backoff = true, 0
	n.cut("dialled again")
	n.retry()
}

func (n *wire) hangup() {
	n.wanted = false
	n.cut("hung up")
}

func (n *wire) retry() {
	life := n.life
	n.backoff = min(max(2*n.backoff, 50*time.Millisecond), time.Second)
	n.w.after(n.w.between(time.Millisecond, n.backoff), func() {
		if n.life != life || !n.wanted || n.up {
			return
		}
		if !n.c.up || !n.p.up || n.w.fault(n.w.mix.cut) {
			if n.c.up {
				n.retry()
			}
			return
		}
		n.life++
		n.up, n.backoff = true, 0
		n.session = n.p.openSession(n)
		n.w.log("wire %s up", n.p.name)
		n.c.put(coordinator.LinkUp{Participant: n.p.name})
	})
}

// cut ends the connection: each side hears of it when it does.
func (n *wire) cut(why string) {
	if !n.up {
		return
	}
	n.up = false
	n.life++
	n.w.log("wire %s down: %s", n.p.name, why)
	n.p.closeSession(n.session)
	if n.c.up {
		n.c.put(coordinator.LinkDown{Participant: n.p.name})
		n.retry()
	}
}

func (n *wire) delay() time.Duration {
	d := n.w.between(20*time.Microsecond, 500*time.Microsecond)
	if n.w.fault(n.w.mix.slow) {
		d = n.w.between(time.Millisecond, 3*time.Second)
	}
	return d
}

// carry delivers a message after some delay; on a stream in order, as datagrams in any, perhaps twice or never. A link
// that loses what opens or lists would hang: there a stream breaks instead, as a call does that gets no answer.
func (n *wire) carry(m protocol.Message, last *time.Duration, deliver func(protocol.Message)) {
	branch := !m.ID.IsZero()
	times := 1
	if n.w.mix.datagrams && branch {
		switch {
		case n.w.fault(n.w.mix.lose):
			n.w.log("lost to or from %s: %s %T", n.p.name, m.ID, m.Body)
			return
		case n.w.fault(n.w.mix.repeat):
			times = 2
		}
	}
	life := n.life
	for range times {
		at := n.w.now + n.delay()
		ordered := !n.w.mix.datagrams || !branch || !n.w.fault(n.w.mix.reorder)
		if ordered {
			at = max(at, *last)
			*last = at
		}
		n.w.after(at-n.w.now, func() {
			if late := n.life != life; late && (ordered || !n.up || !branch) {
				return // it went down with its stream; a datagram may still arrive on the next one
			}
			deliver(m)
		})
	}
	if n.w.fault(n.w.mix.cut) {
		n.cut("broke")
	}
}

func (n *wire) toParticipant(m protocol.Message) {
	n.carry(m, &n.toP, func(m protocol.Message) {
		if n.p.up {
			n.w.log("%s <- %s %T", n.p.name, m.ID, m.Body)
			n.p.put(participant.Received{Session: n.session, Messages: []protocol.Message{m}})
		}
	})
}

func (n *wire) toCoordinator(session uint64, m protocol.Message) {
	if !n.up || session != n.session {
		return
	}
	n.carry(m, &n.toC, func(m protocol.Message) {
		if n.c.up {
			n.w.log("coordinator <- %s %s %s", n.p.name, m.ID, describe(m.Body))
			n.c.put(coordinator.Received{Participant: n.p.name, Messages: []protocol.Message{m}})
		}
	})
}
