package simulation

import (
	"fmt"
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// poll asks the coordinator now and then how it is.
func (w *World) poll() {
	c := w.coordinator
	if !c.up {
		w.status, w.restSince = "down", 0
	} else {
		c.ask(func(t coordinator.Token) coordinator.Event { return coordinator.AskStatus{Token: t} }, func(a coordinator.Answered) {
			switch s := a.Status; {
			case a.Err != nil:
				w.status = a.Err.Error()
			case s.State != "serving" || s.Live > 0 || len(s.WaitingFor) > 0 || c.busy || len(c.queue) > 0:
				w.status = fmt.Sprintf("%s with %d transactions, waiting for %q", s.State, s.Live, s.WaitingFor)
			default:
				w.status = ""
			}
			if w.unrest() != "" {
				w.restSince = 0
			} else if w.restSince == 0 {
				w.restSince = w.now
			}
		})
	}
	w.after(250*time.Millisecond, w.poll)
}

// rested reports whether all has been at rest for a while.
func (w *World) rested() bool { return w.restSince > 0 && w.now-w.restSince >= restFor }

// unrest tells what is not at rest (V17, V18, V21); "": all is.
func (w *World) unrest() string {
	for _, p := range w.participants {
		if !p.up {
			return p.name + " is down"
		}
		d := slices.DeleteFunc(p.engine.InDoubt(), func(d participant.InDoubt) bool {
			return d.Settled != 0 && (w.lossAt > 0 || w.rival != nil) // kept until its decision is known, which is lost (H4)
		})
		if len(d) > 0 {
			return fmt.Sprintf("V17: %s is in doubt about %d branches, among them %s", p.name, len(d), d[0].ID)
		}
		if p.engine.Stats().Locks > 0 {
			return fmt.Sprintf("V21: %s holds a lock: %q", p.name, p.engine.Locks()[0].Key)
		}
	}
	for _, c := range w.clients {
		if c.current != nil {
			return fmt.Sprintf("V18: client %d waits for transfer %d", c.number, c.current.n)
		}
	}
	if w.status != "" {
		return "V17: the coordinator is " + w.status
	}
	return ""
}

// audit reads the participants' own stores.
func (w *World) audit() {
	if w.violation != "" {
		return
	}
	if !w.rested() {
		w.broken("%v after the heal there is no rest: %s", restWithin, w.unrest())
		return
	}
	if n := w.ledger.issued(); n < minTransactions {
		w.broken("the seed had only %d transactions", n)
	}
	if n := w.faultCount(); n < minFaults {
		w.broken("the seed had only %d faults", n)
	}
	for _, p := range w.participants {
		w.auditStore(p)
	}
	for _, t := range w.ledger.order {
		w.auditTransfer(t)
	}
	w.auditReports()
}

// auditStore holds every account against what the store itself says was applied to it.
func (w *World) auditStore(p *participantNode) {
	want := [accounts]int{}
	for i := range want {
		want[i] = funds
	}
	for _, t := range w.ledger.order {
		n := p.count(t)
		i := slices.IndexFunc(t.effects, func(e effect) bool { return e.participant == p.name })
		switch {
		case i >= 0:
			want[t.effects[i].account] += n * t.effects[i].by
		case n > 0:
			w.broken("V8: %s has transfer %d, which it had no part in", p.name, t.n)
		}
	}
	for i := range want {
		v, _ := p.store.look(string(engine.DataKey(account(i))))
		if n := p.number(v); n != want[i] {
			w.broken("V1: account %d of %s holds %d; what was applied makes %d", i, p.name, n, want[i])
		}
	}
}

func (w *World) auditTransfer(t *transfer) {
	if t.reads || w.excuses.tornTransfer(t) {
		return
	}
	counts := make([]int, len(t.effects))
	for i, e := range t.effects {
		p := w.participants[slices.IndexFunc(w.participants, func(p *participantNode) bool { return p.name == e.participant })]
		counts[i] = p.count(t) + p.counted[t.n]
	}
	least, most := slices.Min(counts), slices.Max(counts)
	switch {
	case least != most:
		w.broken("V1: transfer %d was applied %v times at its participants", t.n, counts)
	case most > 1 && !w.excuses.ranTwice(t):
		w.broken("V8: transfer %d was applied %d times", t.n, most)
	case t.told == txc.Committed && most == 0 && !w.excuses.recordLost(t):
		w.broken("V5: transfer %d was told committed as %s, and is nowhere", t.n, t.id)
	case t.told == txc.Committed && most == 0 && t.applied:
		w.broken("V5: transfer %d was told applied as %s, and is nowhere", t.n, t.id)
	case t.told == txc.Aborted && most > 0 && !w.excuses.recordLost(t):
		w.broken("V6: transfer %d was told aborted, and is everywhere", t.n)
	}
}

// auditReports wants every branch that stands against the decision to have been reported (V15).
func (w *World) auditReports() {
	if len(w.excuses.settled) == 0 && len(w.excuses.forgot) == 0 || w.lossy() {
		return // a lost decision differs from nothing
	}
	decided := commits(w, w.coordinator.disk)
	outcome := func(d doubt) txc.Outcome {
		if c, ok := decided[d.ID]; ok && c.mark == d.Mark {
			return txc.Committed
		}
		return txc.Aborted
	}
	for d, o := range w.excuses.settled {
		if o != outcome(d) && !w.excuses.reported[d.ID] && !slices.Contains(w.excuses.forgot, d) {
			w.broken("V15: %s was settled at %s as %s by hand, against the decision, and that was never reported", d.ID, d.participant, o)
		}
	}
	for _, d := range w.excuses.forgot {
		if _, ok := w.excuses.settled[d]; !ok && outcome(d) == txc.Committed && !w.excuses.reported[d.ID] {
			w.broken("V15: %s forgot its promise of %s, which committed, and that was never reported", d.participant, d.ID)
		}
	}
}
