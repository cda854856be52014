package simulation

import (
	"errors"
	"fmt"
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// participantNode is a participant's process and disk: the agent's core over the key-value store's core.
type participantNode struct {
	process
	store       *store
	instance    [16]byte
	agent       *participant.Core
	engine      *engine.Core
	booted      time.Duration
	inbox       []participant.Event
	asks        []engine.Event
	sessions    map[uint64]*wire
	session     uint64
	incarnation uint64
	registering bool
	watching    bool
	waiting     map[uint64]func(participant.Answer) // people, by token
	token       uint64
	counted     map[int]int // what stores that are gone showed of transfers

	out       participant.Effects // reused from step to step
	fx        engine.Effects
	spareIn   []participant.Event
	spareAsks []engine.Event
	batch     []protocol.Message
}

var (
	errFull   = errors.New("no space left on device")
	errBroken = errors.New("input/output error")
)

func newParticipant(w *World, i int) *participantNode {
	p := &participantNode{store: newStore(), counted: map[int]int{}, process: process{w: w, name: fmt.Sprintf("bank-%c", 'a'+i)}}
	p.process.run = p.step
	p.instance[0] = byte(i + 1)
	return p
}

// boot opens the store and starts the agent. It may fail, or be killed, anywhere in between, and is tried again.
func (p *participantNode) boot() {
	p.life++
	again := func(why error) {
		p.w.say("%s cannot start: %v", p.name, why)
		p.later(p.w.between(100*time.Millisecond, time.Second), p.boot)
	}
	core, batch, err := engine.Open(p.options(), p.store)
	switch {
	case err != nil && p.store.flipped != "": // an operator puts the bits right
		p.w.after(p.w.between(100*time.Millisecond, 2*time.Second), func() { p.store.flipped = "" })
		again(err)
		return
	case err != nil:
		p.w.broken("open the store of %s: %v", p.name, err)
		return
	case p.store.dead != nil:
		again(p.store.dead)
		return
	}
	batch = copied(batch)
	p.store.write(batch.Pairs) // durable before anything is relied on (P10)
	if p.w.fault(killParticipant) {
		if p.w.power() {
			p.store.losePower()
		}
		again(errors.New("killed while it opened"))
		return
	}
	p.store.sync(batch.Pairs)
	p.start(core)
	p.asks = append(p.asks[:0], &engine.Written{Ticket: batch.Ticket})
	p.poke()
	p.register()
}

func (p *participantNode) start(core *engine.Core) {
	p.engine, p.booted = core, p.w.now
	p.born()
	p.incarnation = p.w.rng.Uint64() | 1
	memory, promised := core.Memory(), core.InDoubt()
	p.agent = participant.NewCore(participant.Config{
		Cluster: cluster, Name: p.name, Software: "sim", Instance: memory.Instance, Incarnation: p.incarnation,
		InquireEvery: 500 * time.Millisecond, Seed: p.w.rng.Uint64(), Started: p.clock(),
	}, memory, promised)
	p.inbox, p.registering, p.watching = p.inbox[:0], false, false
	p.sessions, p.waiting = map[uint64]*wire{}, map[uint64]func(participant.Answer){}
	p.w.say("%s up, %d in doubt", p.name, len(promised))
}

// register goes on until the coordinator has taken it in.
func (p *participantNode) register() {
	if p.registering {
		return
	}
	p.registering = true
	again := func() {
		p.later(p.w.between(200*time.Millisecond, time.Second), func() {
			p.registering = false
			p.register()
		})
	}
	c := p.w.coordinator
	if !c.up {
		again()
		return
	}
	life, memory := p.life, p.engine.Memory()
	self := coordinator.Peer{Name: p.name, Address: "sim", Kind: "kv", Instance: memory.Instance, Incarnation: p.incarnation, Stamp: memory.Stamp, Seen: memory.Seen}
	c.ask(func(t coordinator.Token) coordinator.Event { return coordinator.AskRegister{Token: t, Peer: self} }, func(a coordinator.Answered) {
		switch {
		case p.life != life:
		case a.Err != nil:
			p.w.say("register %s: %v", p.name, a.Err)
			again()
		default:
			p.registering = false
			p.watchSession()
		}
	})
}

// watchSession registers again when no coordinator has come for a while: it may have forgotten this participant.
func (p *participantNode) watchSession() {
	if p.watching {
		return
	}
	p.watching = true
	p.later(3*time.Second, func() {
		p.watching = false
		if len(p.sessions) == 0 {
			p.register()
		} else {
			p.watchSession()
		}
	})
}

// crash ends the process; power takes the cache with it, or had it written just in time.
func (p *participantNode) crash(power bool) {
	if !p.up {
		return
	}
	p.dies()
	switch {
	case !power:
	case p.w.chance(0.3):
		for k, c := range p.store.cached {
			p.store.sync([]engine.Pair{{Key: []byte(k), Value: c.value, Gone: c.gone}})
		}
	default:
		p.store.losePower()
	}
	if keys := p.store.image(); p.w.fault(storeFlip) && len(keys) > 0 {
		p.store.flipped = keys[p.w.rng.IntN(len(keys))]
	}
	p.w.say("%s dead, power %v", p.name, power)
	for _, c := range p.w.coordinators() {
		c.wires[p.name].cut("participant died")
	}
	if p.w.fault(wipe) {
		p.w.empty(p)
	}
	p.later(p.w.between(10*time.Millisecond, 2*time.Second), p.boot)
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

// step steps the agent and then the store. The process may die between any two effects.
func (p *participantNode) step() {
	events := p.inbox
	p.inbox = p.spareIn[:0]
	p.agent.Step(p.w.now-p.booted, events, &p.out)
	clear(events)
	p.spareIn = events
	if !p.carryOut(&p.out) {
		return
	}
	if p.out.Failed != nil {
		p.w.say("%s stops itself: %v", p.name, p.out.Failed)
		p.crash(p.w.power())
		return
	}
	if p.stepStore() {
		p.arm()
	}
}

// survives draws, before each of n effects, whether the process dies: it tells how many it has come to do.
func (p *participantNode) survives(n int) int {
	for i := range n {
		if p.w.fault(killParticipant) {
			return i
		}
	}
	return n
}

func (p *participantNode) carryOut(out *participant.Effects) bool {
	done := p.survives(len(out.Calls))
	for _, c := range out.Calls[:done] {
		p.call(c)
	}
	alive := done == len(out.Calls)
	if alive {
		done = p.survives(len(out.Sends))
		alive = done == len(out.Sends)
		p.send(out.Sends[:done])
	}
	if !alive {
		p.crash(p.w.power())
		return false
	}
	for _, q := range out.Asks {
		p.inquire(q)
	}
	for _, a := range out.Answers {
		if f := p.waiting[a.Token]; f != nil {
			delete(p.waiting, a.Token)
			f(a)
		}
	}
	for _, t := range out.Troubles {
		p.w.say("%s trouble %s %v %s", p.name, t.ID, t.What, t.Text)
	}
	if len(out.Lost) > 0 {
		p.watchSession()
	}
	return true
}

// send gives each session what is for it, as one batch.
func (p *participantNode) send(all []participant.Send) {
	for len(all) > 0 {
		session := all[0].Session
		p.batch = p.batch[:0]
		for len(all) > 0 && all[0].Session == session {
			p.batch = append(p.batch, all[0].Message)
			all = all[1:]
		}
		if n := p.sessions[session]; n != nil {
			n.toCoordinator(session, p.batch)
		}
	}
}

func (p *participantNode) arm() {
	at := p.w.now + time.Hour
	if wake, ok := p.agent.Wake(); ok {
		at = min(at, p.booted+wake)
	}
	if next, ok := p.engine.Next(); ok {
		at = min(at, p.w.now+next.Sub(p.clock()))
	}
	p.wake(at)
}
