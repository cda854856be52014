package simulation

import (
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// Report is what a seed's run came to.
type Report struct {
	Seed                             uint64
	Violation                        string
	Hash                             uint64
	Committed, Aborted, Unknown      int
	Faults, CoordinatorStarts, Steps int
	TailLost, LossFound, TwoOwners   bool
}

// Phases of a run, in virtual time.
const (
	faultsFor = 20 * time.Second
	healFor   = 120 * time.Second
)

// Run runs one seed: faults for a while, then a heal, after which everything must come to rest; then the audit.
func Run(seed uint64, trace io.Writer) Report {
	w := newWorld(seed, trace)
	w.fund()
	for _, c := range w.clients {
		w.after(w.between(100*time.Millisecond, time.Second), c.next)
	}
	w.after(0, w.mayhem)
	w.after(time.Second, w.operator)
	w.runUntil(faultsFor)
	w.healed = true
	w.endRival()
	w.log("healed after %d faults", w.faults)
	w.runUntil(faultsFor + healFor)
	w.audit()
	r := Report{Seed: seed, Violation: w.violation, Hash: w.Hash(), Faults: w.faults, CoordinatorStarts: w.coordinator.starts, Steps: int(w.number), TailLost: w.tailLost, LossFound: w.lossFound, TwoOwners: w.twoOwners()}
	for _, t := range w.ledger.order {
		switch t.told {
		case txc.Committed:
			r.Committed++
		case txc.Aborted:
			r.Aborted++
		default:
			r.Unknown++
		}
	}
	return r
}

func (w *World) fund() {
	for _, p := range w.participants {
		for i := range accounts {
			p.store[string(engine.DataKey(account(i)))] = []byte(strconv.Itoa(funds))
		}
	}
}

// mayhem kills processes and cuts wires from outside, now and then.
func (w *World) mayhem() {
	if w.healed {
		return
	}
	if w.fault(w.mix.rival) {
		w.startRival()
	}
	if w.fault(10 * w.mix.coordinatorKill) {
		w.coordinator.crash(w.chance(w.mix.power))
	}
	for _, p := range w.participants {
		if w.fault(10 * w.mix.kill) {
			p.crash(w.chance(w.mix.power))
		}
		if w.fault(10 * w.mix.cut) {
			w.coordinator.wires[p.name].cut("cut")
		}
	}
	w.after(w.between(10*time.Millisecond, 500*time.Millisecond), w.mayhem)
}

// audit reads the participants' own stores.
func (w *World) audit() {
	if w.violation != "" {
		return
	}
	sum := 0
	for _, p := range w.participants {
		if !p.up {
			w.broken("%s is not up at the end", p.name)
			return
		}
		for i := range accounts {
			n, err := strconv.Atoi(string(p.store[string(engine.DataKey(account(i)))]))
			if err != nil {
				w.broken("account %d of %s: %v", i, p.name, err)
			}
			sum += n
		}
		d := slices.DeleteFunc(p.engine.InDoubt(), func(d participant.InDoubt) bool {
			return d.Settled != 0 && w.lossFound // kept until its decision is known, which is lost (H4)
		})
		if len(d) > 0 {
			w.broken("V17: %s is still in doubt about %d branches, among them %s", p.name, len(d), d[0].ID)
		}
		if l := p.engine.Locks(); len(l) > 0 {
			w.broken("V21: %s still holds %d locks, among them %q", p.name, len(l), l[0].Key)
		}
	}
	if want := accounts * funds * len(w.participants); sum != want {
		w.broken("V1: %d in all accounts together, not %d", sum, want)
	}
	for _, t := range w.ledger.order {
		w.auditTransfer(t)
	}
	w.auditCoordinator()
}

func (w *World) auditTransfer(t *transfer) {
	present := 0
	for _, p := range w.participants {
		_, ok := p.store[string(engine.DataKey(witnessKey(t.n)))]
		if ok && !slices.Contains(t.writes, p.name) {
			w.broken("V8: %s has transfer %d, which it had no part in", p.name, t.n)
		}
		if ok {
			present++
		}
	}
	switch {
	case present != 0 && present != len(t.writes):
		w.broken("V1: transfer %d is at %d of %d participants", t.n, present, len(t.writes))
	case t.told == txc.Committed && present != len(t.writes) && !w.tailLost && !w.twoOwners():
		w.broken("V5: transfer %d was told committed as %s, and is nowhere", t.n, t.id)
	case t.told == txc.Aborted && present != 0 && !w.twoOwners():
		w.broken("V6: transfer %d was told aborted, and is everywhere", t.n)
	}
}

func (w *World) auditCoordinator() {
	c := w.coordinator
	if !c.up {
		w.broken("the coordinator is not up at the end")
		return
	}
	var status coordinator.Status
	var eff coordinator.Effects
	c.core.Step(coordinator.World{Now: w.clock(), Synced: c.log.Synced()}, []coordinator.Event{coordinator.AskStatus{Token: 0}}, &eff)
	for _, a := range eff.Answers {
		status = a.Status
	}
	if status.State != "serving" {
		w.broken("the coordinator is %s: %v", status.State, status.WaitingFor)
	}
	if status.Live != 0 {
		w.broken("V17: the coordinator still has %d transactions", status.Live)
	}
	for _, cl := range w.clients {
		if cl.current != nil {
			w.broken("V18: client %d still waits for transfer %d", cl.number, cl.current.n)
		}
	}
}
