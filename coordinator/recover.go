package coordinator

import (
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// recover rebuilds what the log remembers. Messages go out when the participants are heard.
func (c *Core) recover(rec wal.Recovery) {
	for _, r := range rec.Openings {
		b := r.Body.(wal.OpenedBody)
		c.openings.All = append(c.openings.All, protocol.Opening{Epoch: b.Epoch, Mark: b.Mark, First: r.LSN})
	}
	for _, r := range rec.Stopped {
		b := r.Body.(wal.StoppedBody)
		c.stopped = append(c.stopped, proof{b, c.openings.At(r.LSN)})
		c.alarm(b.Text)
		c.fenced = c.fenced || b.What != protocol.NotContained.String()
	}
	for _, r := range rec.Accepted {
		for _, l := range r.Body.(wal.ResolutionBody).Lost {
			c.openings.Losses = append(c.openings.Losses, protocol.Loss{Epoch: l.Epoch, Mark: l.Mark, From: l.From, To: l.To})
		}
	}
	for _, r := range rec.Registrations {
		c.restorePeer(r.Body.(wal.RegistrationBody))
	}
	for _, r := range rec.Presumed {
		b := r.Body.(wal.PresumedBody)
		c.presumed[r.ID] = &presumption{id: r.ID, mark: b.Mark, absent: slices.Clone(b.Absent), durable: true}
	}
	unfinished := slices.Clone(rec.Unfinished)
	slices.SortFunc(unfinished, func(a, b wal.Unfinished) int { return idOf(a).Compare(idOf(b)) })
	for _, u := range unfinished {
		c.restoreTx(u)
	}
}

func idOf(u wal.Unfinished) txc.ID {
	if u.Commit.Kind != 0 {
		return u.Commit.ID
	}
	if len(u.Heuristics) > 0 {
		return u.Heuristics[0].ID
	}
	return txc.ID{}
}

// restoreTx rebuilds a transaction that the log did not see the end of.
func (c *Core) restoreTx(u wal.Unfinished) {
	if u.Commit.Kind == 0 {
		c.restoreOdd(u)
		return
	}
	body := u.Commit.Body.(wal.CommitBody)
	mark, _ := c.openings.MarkOf(u.Commit.ID.Epoch)
	l := &live{
		id: u.Commit.ID, mark: mark, timeout: c.o.Timeout, began: body.Began, key: body.Key, ownKey: body.OwnKey,
		digest: body.Digest, labels: body.Labels, recovered: true,
	}
	l.timer.of = l
	index := map[string]int{}
	for i, m := range body.Members {
		index[m.Participant] = i
		p := c.peer(m.Participant)
		p.load++
		l.branches = append(l.branches, branch{peer: p, vote: txc.Yes, evidence: m.Evidence, charged: true})
	}
	ev := protocol.Recovered{N: len(body.Members)}
	for _, name := range u.Acknowledged {
		if i, ok := index[name]; ok {
			ev.Acked = ev.Acked.With(i)
			l.branches[i].fate = txc.CommittedBefore
			c.release(&l.branches[i])
		}
	}
	for _, r := range u.Resolved {
		if i, ok := index[r.Body.(wal.ResolutionBody).Participant]; ok {
			ev.Settled = ev.Settled.With(i)
		}
	}
	odd := func(all []wal.Record) (set protocol.Set) {
		for _, r := range all {
			b := r.Body.(wal.HeuristicBody)
			if i, ok := index[b.Participant]; ok {
				set = set.With(i)
				l.branches[i].fate, l.branches[i].reason = b.Fate, b.Why
				c.release(&l.branches[i])
			}
		}
		return set
	}
	ev.Odd = odd(u.Heuristics)
	ev.Excused = odd(u.Excused) &^ ev.Odd
	if u.Ended {
		ev.Acked = protocol.First(len(body.Members)) &^ (ev.Odd | ev.Excused)
	}
	l.savedAcks = ev.Acked
	c.live[l.id] = l
	c.order.push(l)
	if l.key != "" {
		c.keys[l.key] = l
	}
	// The machine's actions wait for the first Step: messages need a link, and records need a Step to leave by.
	c.restored = append(c.restored, restored{l, ev})
}

// restored is a transaction whose machine starts with the first Step.
type restored struct {
	l  *live
	ev protocol.Recovered
}

func (c *Core) startRestored() {
	for _, r := range c.restored {
		r.l.note(c, recovered, -1, 0, "its commit record was found in the log")
		c.step(r.l, r.ev)
	}
	c.restored = nil
}
