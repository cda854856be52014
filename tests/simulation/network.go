package simulation

import (
	"fmt"
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// wire is the connection between a coordinator and one participant: it is made again and again while the coordinator
// wants it and both are up.
type wire struct {
	w       *World
	c       *coordinatorNode
	p       *participantNode
	stream  *stream
	wanted  bool
	up      bool
	session uint64 // of the participant's agent
	life    int    // counts connections: what belongs to an earlier one is late
	toC     time.Duration
	toP     time.Duration // when the last message arrives: a stream keeps the order
	backoff time.Duration
}

// silence is how long nothing may come through one direction before the connection is given up.
const silence = 2 * time.Second

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
		if !n.c.up || !n.p.up || n.w.fault(cut) {
			if n.c.up {
				n.retry()
			}
			return
		}
		n.life++
		n.up, n.backoff, n.stream = true, 0, newStream(n)
		n.toC, n.toP = n.w.now, n.w.now
		n.session = n.p.openSession(n)
		n.w.say("wire %s up", n.p.name)
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
	n.w.say("wire %s down: %s", n.p.name, why)
	n.p.closeSession(n.session)
	if n.c.up {
		n.c.put(coordinator.LinkDown{Participant: n.p.name})
		n.retry()
	}
}

// hold lets nothing through in one direction for a while. It arrives later, unless somebody gives the connection up
// before.
func (n *wire) hold(last *time.Duration, d time.Duration) {
	if !n.up {
		return
	}
	n.w.say("wire %s lets nothing through in one direction for %v", n.p.name, d)
	*last = max(*last, n.w.now+d)
	if d > silence {
		life := n.life
		n.w.after(silence, func() {
			if n.life == life {
				n.cut("silent")
			}
		})
	}
}

func (n *wire) delay() time.Duration {
	if n.w.fault(slowNet) {
		return n.w.between(time.Millisecond, 3*time.Second)
	}
	return n.w.between(20*time.Microsecond, 500*time.Microsecond)
}

// carry delivers messages after some delay: on a stream together and in order, else each by itself, perhaps earlier than
// one before it, twice or never. What opens or lists is not lost alone: there a stream breaks, as a call does that gets
// no answer.
func (n *wire) carry(batch []protocol.Message, last *time.Duration, deliver func([]protocol.Message)) {
	if !n.w.mix.datagrams {
		n.arrive(batch, n.ordered(last), true, deliver)
	} else {
		for i := range batch {
			n.datagram(batch[i:i+1:i+1], last, deliver)
		}
	}
	if n.w.fault(cut) {
		n.cut("broke")
	}
}

func (n *wire) ordered(last *time.Duration) time.Duration {
	*last = max(n.w.now+n.delay(), *last)
	return *last
}

func (n *wire) datagram(one []protocol.Message, last *time.Duration, deliver func([]protocol.Message)) {
	branch, times := !one[0].ID.IsZero(), 1
	// A Commit to a branch that an operator has settled at the coordinator is sent once per connection, and not repeated.
	resolved := n.w.excuses.resolved[protocol.Proof{ID: one[0].ID, Mark: one[0].Mark}]
	if branch && !resolved && n.w.fault(lose) {
		if n.w.read() {
			n.w.print("lost to or from %s: %s", n.p.name, describe(one[0]))
		}
		return
	}
	if branch && n.w.fault(repeat) {
		times = 2
	}
	for range times {
		if branch && n.w.fault(reorder) {
			n.arrive(one, n.w.now+n.delay(), false, deliver)
		} else {
			n.arrive(one, n.ordered(last), !branch, deliver)
		}
	}
}

// arrive delivers at a time. What belongs to a connection goes down with it; a datagram may arrive on the next one, once
// that has been opened from both sides.
func (n *wire) arrive(batch []protocol.Message, at time.Duration, bound bool, deliver func([]protocol.Message)) {
	life := n.life
	n.w.after(at-n.w.now, func() {
		if n.life == life || !bound && n.up && n.stream.open {
			deliver(batch)
		}
	})
}

// toParticipant sends what the coordinator says.
func (n *wire) toParticipant(batch []protocol.Message) {
	if !n.up || len(batch) == 0 {
		return
	}
	n.carry(n.stream.toParticipant(batch), &n.toP, func(got []protocol.Message) {
		if n.p.up {
			n.heard(n.p.name, "coordinator", got)
			n.p.put(participant.Received{Session: n.session, Messages: got})
		}
	})
}

// toCoordinator sends what a participant says on a session.
func (n *wire) toCoordinator(session uint64, batch []protocol.Message) {
	if !n.up || session != n.session {
		return
	}
	n.carry(n.stream.toCoordinator(batch), &n.toC, func(got []protocol.Message) {
		if n.c.up {
			n.heard(n.c.name, n.p.name, got)
			n.c.put(coordinator.Received{Participant: n.p.name, Messages: got})
		}
	})
}

func (n *wire) heard(to, from string, got []protocol.Message) {
	n.w.number(uint64(n.w.now))
	n.w.number(got[0].ID.Sequence<<16 | uint64(len(got)))
	if n.w.read() {
		for _, m := range got {
			n.w.print("%s <- %s %s", to, from, describe(m))
		}
	}
}

func describe(m protocol.Message) string {
	switch b := m.Body.(type) {
	case protocol.Vote:
		return fmt.Sprintf("%s vote %s %s", m.ID, b.Vote, b.Reason.Code)
	case protocol.Fated:
		return fmt.Sprintf("%s fate %s", m.ID, b.Fate)
	case protocol.Answer:
		return fmt.Sprintf("%s answer %s recorded %v acknowledged %v", m.ID, b.Outcome, b.Recorded, b.Acknowledged)
	case protocol.Listed:
		return fmt.Sprintf("listed %d in doubt, %d markers", len(b.InDoubt), len(b.Committed))
	default:
		return fmt.Sprintf("%s %T", m.ID, m.Body)
	}
}
