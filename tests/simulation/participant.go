package simulation

import (
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// participantNode is a participant's process and disk: the agent's core over the key-value store's core.
type participantNode struct {
	w           *World
	name        string
	store       map[string][]byte // durable
	cache       []engine.Pair     // written, not synced: the process sees it, a power cut takes it
	instance    [16]byte
	agent       *participant.Core
	engine      *engine.Core
	up          bool
	life        int
	booted      time.Duration
	inbox       []participant.Event
	asks        []engine.Event
	poked       bool
	wakeAt      time.Duration
	sessions    map[uint64]*wire
	session     uint64
	incarnation uint64
}

func newParticipant(w *World, i int) *participantNode {
	p := &participantNode{w: w, name: fmt.Sprintf("bank-%c", 'a'+i), store: map[string][]byte{}}
	p.instance[0] = byte(i + 1)
	return p
}

func (p *participantNode) boot() {
	p.life++
	p.incarnation = p.w.rng.Uint64() | 1
	core, batch, err := engine.Open(engine.Options{Cluster: cluster, Participant: p.name, Instance: p.instance}, p)
	if err != nil {
		p.w.broken("open the store of %s: %v", p.name, err)
		return
	}
	p.write(batch) // durable before anything is relied on (P10)
	p.sync()
	p.engine, p.up, p.booted = core, true, p.w.now
	p.agent = participant.NewCore(participant.Config{
		Cluster: cluster, Name: p.name, Software: "sim", Instance: core.Memory().Instance, Incarnation: p.incarnation,
		InquireEvery: 500 * time.Millisecond, Seed: p.w.rng.Uint64(), Started: p.w.clock(),
	}, core.Memory(), core.InDoubt())
	p.inbox, p.poked, p.wakeAt = nil, false, 0
	p.asks = []engine.Event{&engine.Written{Ticket: batch.Ticket}}
	p.sessions = map[uint64]*wire{}
	p.w.log("%s up, %d in doubt", p.name, len(core.InDoubt()))
	p.poke()
	p.register(p.life)
}

// register goes on until the coordinator has taken it in.
func (p *participantNode) register(life int) {
	if p.life != life {
		return
	}
	again := func() { p.w.after(p.w.between(200*time.Millisecond, time.Second), func() { p.register(life) }) }
	c := p.w.coordinator
	if c == nil || !c.up {
		again()
		return
	}
	answered, its := false, c.life
	p.w.after(time.Second, func() {
		if !answered && c.life != its {
			again() // the call broke with the coordinator's process
		}
	})
	memory := p.engine.Memory()
	c.put(coordinator.AskRegister{Token: func(a coordinator.Answered) {
		answered = true
		if a.Err != nil {
			p.w.log("register %s: %v", p.name, a.Err)
			again()
			return
		}
		p.watchSession(life)
	}, Peer: coordinator.Peer{Name: p.name, Address: "sim", Kind: "kv", Instance: memory.Instance, Incarnation: p.incarnation, Stamp: memory.Stamp, Seen: memory.Seen}})
}

// watchSession registers again when no coordinator has come for a while: it may have forgotten this participant.
func (p *participantNode) watchSession(life int) {
	p.w.after(5*time.Second, func() {
		switch {
		case p.life != life:
		case len(p.sessions) == 0:
			p.register(life)
		default:
			p.watchSession(life)
		}
	})
}

func (p *participantNode) crash(power bool) {
	if !p.up {
		return
	}
	p.up = false
	p.life++
	if power {
		p.cache = nil
	} else {
		p.sync() // the page cache outlives the process
	}
	p.w.log("%s dead, power %v", p.name, power)
	for _, c := range []*coordinatorNode{p.w.coordinator, p.w.rival} {
		if c != nil {
			c.wires[p.name].cut("participant died")
		}
	}
	p.w.after(p.w.between(10*time.Millisecond, 3*time.Second), p.boot)
}

func (p *participantNode) openSession(n *wire) uint64 {
	p.session++
	p.sessions[p.session] = n
	p.put(participant.SessionOpened{Session: p.session})
	return p.session
}

func (p *participantNode) closeSession(s uint64) {
	delete(p.sessions, s)
	p.put(participant.SessionClosed{Session: s})
}

func (p *participantNode) put(ev participant.Event) {
	if p.up {
		p.inbox = append(p.inbox, ev)
		p.poke()
	}
}

func (p *participantNode) poke() {
	if p.poked || !p.up {
		return
	}
	p.poked = true
	life := p.life
	p.w.after(p.w.between(0, 50*time.Microsecond), func() {
		if p.life == life && p.up {
			p.poked = false
			p.run()
		}
	})
}

// run steps the agent and then the store. The process may die between any two effects.
func (p *participantNode) run() {
	var out participant.Effects
	events := p.inbox
	p.inbox = nil
	p.agent.Step(p.w.now-p.booted, events, &out)
	life := p.life
	for _, f := range p.agentSteps(&out) {
		if p.w.fault(p.w.mix.kill) {
			p.crash(p.w.chance(p.w.mix.power))
		}
		if p.life != life {
			return
		}
		f()
	}
	if out.Failed != nil {
		p.w.log("%s stops itself: %v", p.name, out.Failed)
		p.crash(false)
		return
	}
	if !p.stepStore() {
		return
	}
	p.arm()
}

func (p *participantNode) agentSteps(out *participant.Effects) []func() {
	var steps []func()
	for _, c := range out.Calls {
		steps = append(steps, func() { p.call(c) })
	}
	for _, s := range out.Sends {
		steps = append(steps, func() {
			if n := p.sessions[s.Session]; n != nil {
				n.toCoordinator(s.Session, s.Message)
			}
		})
	}
	for _, q := range out.Asks {
		steps = append(steps, func() { p.inquire(q) })
	}
	for _, t := range out.Troubles {
		p.w.log("%s trouble %s %v %s", p.name, t.ID, t.What, t.Text)
	}
	return steps
}

// inquire is the unary question, over a connection of its own.
func (p *participantNode) inquire(q participant.Inquire) {
	life, c := p.life, p.w.anyCoordinator()
	reply := func(told protocol.Told, err error) {
		p.w.after(p.w.between(50*time.Microsecond, time.Millisecond), func() {
			if p.life == life {
				p.put(participant.Told{ID: q.Question.ID, Mark: q.Question.Mark, Told: told, Err: err})
			}
		})
	}
	if !c.up || p.w.fault(p.w.mix.lose) {
		reply(protocol.Told{}, txc.ErrUnavailable)
		return
	}
	c.put(coordinator.AskInquire{Token: func(a coordinator.Answered) { reply(a.Answer, a.Err) }, Question: q.Question})
}

func (p *participantNode) call(c participant.Call) {
	name := engine.Name{ID: c.Branch.ID, Mark: c.Branch.Mark}
	verbs := map[participant.Deed]participant.Verb{
		participant.DeedPrepare: participant.VerbPrepare, participant.DeedCommit: participant.VerbCommit, participant.DeedAbort: participant.VerbAbort,
	}
	done := func(d participant.Done) {
		d.N, d.Stamp = c.N, p.engine.Memory().Stamp
		p.put(d)
	}
	p.w.log("%s %s %s", p.name, c.Deed, c.Branch.ID)
	switch c.Deed {
	case participant.DeedPrepare, participant.DeedCommit, participant.DeedAbort:
		r := participant.Request{Verb: verbs[c.Deed], Branch: c.Branch, Joined: c.Joined, Work: c.Work, Evidence: c.Evidence}
		if c.Deed == participant.DeedPrepare {
			r.Deadline = start.Add(p.booted + c.Deadline)
		}
		p.asks = append(p.asks, &engine.Ask{N: c.N, Request: r})
	case participant.DeedCancel:
		p.asks = append(p.asks, &engine.Cancel{Name: name})
		done(participant.Done{})
	case participant.DeedSettle:
		p.asks = append(p.asks, &engine.Settle{N: c.N, Name: name, Settlement: c.Settlement})
	case participant.DeedDrop:
		p.asks = append(p.asks, &engine.Reconcile{N: c.N, Name: name})
	case participant.DeedForget:
		p.asks = append(p.asks, &engine.Forget{Below: c.Below, But: c.But})
		done(participant.Done{})
	case participant.DeedRemember:
		p.asks = append(p.asks, &engine.Remember{N: c.N, Seen: c.Seen})
	case participant.DeedList:
		done(participant.Done{InDoubt: p.engine.InDoubt(), Committed: p.engine.Committed(c.Below)})
	}
}

func (p *participantNode) arm() {
	at := p.w.now + time.Hour
	if wake, ok := p.agent.Wake(); ok {
		at = min(at, p.booted+wake)
	}
	if next, ok := p.engine.Next(); ok {
		at = min(at, next.Sub(start))
	}
	at = max(at, p.w.now+time.Microsecond)
	if p.wakeAt > p.w.now && p.wakeAt <= at {
		return
	}
	p.wakeAt = at
	life := p.life
	p.w.after(at-p.w.now, func() {
		if p.life == life && p.wakeAt == at {
			p.wakeAt = 0
			p.poke()
		}
	})
}

func describe(b protocol.Body) string {
	switch b := b.(type) {
	case protocol.Vote:
		return fmt.Sprintf("vote %s %s", b.Vote, b.Reason.Code)
	case protocol.Fated:
		return "fate " + b.Fate.String()
	case protocol.Listed:
		return fmt.Sprintf("listed %d in doubt, %d markers", len(b.InDoubt), len(b.Committed))
	default:
		return fmt.Sprintf("%T", b)
	}
}
