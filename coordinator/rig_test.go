package coordinator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
)

// rig is a core over a log in memory, with scripted participants, in virtual time. Nothing happens by itself: step hands
// events in, deliver lets participants hear and answer, pass lets time go by.
type rig struct {
	t    testing.TB
	o    coordinator.Options
	disk *mem.Disk
	log  *mem.Log
	rec  wal.Recovery
	core *coordinator.Core
	now  time.Time
	next time.Time
	mark uint64

	fakes map[string]*fake
	order []string

	sent     map[string][]protocol.Message // not yet delivered
	answers  map[string]coordinator.Answered
	changed  []coordinator.Detail
	alarms   []string
	dialed   []string
	hungUp   []string
	stop     error
	holdLog  bool // records wait in queue for write
	queue    []wal.Record
	holdFind bool // look-ups wait for find
	lookups  []coordinator.Lookup
	findErr  error
	low      bool
	tokens   int
}

var epoch0 = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// newRig opens a coordinator on an empty log; the participants are registered, connected and heard.
func newRig(t testing.TB, o coordinator.Options, names ...string) *rig {
	t.Helper()
	r := &rig{t: t, o: o, disk: mem.NewDisk(), now: epoch0, mark: 0x70, fakes: map[string]*fake{}}
	if r.o.Seed == 0 {
		r.o.Seed = 7
	}
	for i, name := range names {
		r.add(newFake(name, byte(i+1)))
	}
	r.open()
	r.up(names...)
	return r
}

func (r *rig) add(f *fake) {
	r.fakes[f.name] = f
	if !slices.Contains(r.order, f.name) {
		r.order = append(r.order, f.name)
	}
}

// open opens the log, as a process does that starts.
func (r *rig) open() {
	r.t.Helper()
	r.mark++
	log, rec, err := mem.Open(r.disk, mem.Options{Cluster: "test", Number: 1, Mark: r.mark, Now: func() time.Time { return r.now }})
	if err != nil {
		r.t.Fatal(err)
	}
	core, err := coordinator.NewCore(rec, r.o, r.now)
	if err != nil {
		r.t.Fatal(err)
	}
	r.log, r.rec, r.core = log, rec, core
	r.sent, r.answers = map[string][]protocol.Message{}, map[string]coordinator.Answered{}
	r.queue, r.lookups, r.dialed, r.hungUp, r.stop = nil, nil, nil, nil, nil
	for _, f := range r.fakes {
		f.linked = false
	}
	for _, p := range core.Connect() {
		r.dialed = append(r.dialed, p.Name)
	}
	r.step()
}

// crash ends the process; with power what was not synced is lost. The next one is not connected to anybody.
func (r *rig) crash(power bool) {
	r.t.Helper()
	if power {
		r.disk.LoseUnsynced()
	}
	r.open()
}

// up registers participants, connects them and lets them be heard.
func (r *rig) up(names ...string) {
	r.t.Helper()
	for _, name := range names {
		r.register(name)
		r.connect(name)
	}
	r.deliver()
}

func (r *rig) register(name string) coordinator.Answered {
	r.t.Helper()
	f := r.fakes[name]
	return r.ask(coordinator.AskRegister{Peer: coordinator.Peer{Name: name, Address: "fake", Kind: "fake", Instance: f.instance, Incarnation: f.incarnation, Stamp: f.stamp, Seen: f.seen}})
}

// connect brings the link of a participant up.
func (r *rig) connect(name string) {
	r.fakes[name].linked = true
	r.sent[name] = nil
	r.step(coordinator.LinkUp{Participant: name})
}

// cut breaks the link: what was under way on it is lost.
func (r *rig) cut(name string) {
	r.fakes[name].linked = false
	r.sent[name] = nil
	r.step(coordinator.LinkDown{Participant: name})
}

// step hands events in and carries out what comes of them, the log and look-ups included, unless those are held.
func (r *rig) step(events ...coordinator.Event) {
	r.t.Helper()
	for first := true; first || len(events) > 0; first = false {
		var eff coordinator.Effects
		r.next = r.core.Step(coordinator.World{Now: r.now, Synced: r.log.Synced(), Low: r.low, Floor: r.log.Floor()}, events, &eff)
		events = r.carryOut(&eff)
	}
}

func (r *rig) carryOut(eff *coordinator.Effects) (events []coordinator.Event) {
	r.t.Helper()
	for _, out := range eff.Send {
		if len(out.Messages) == 0 {
			r.t.Errorf("nothing was sent to %s", out.Participant)
		}
		if f := r.fakes[out.Participant]; f != nil && f.linked {
			r.sent[out.Participant] = append(r.sent[out.Participant], out.Messages...)
		}
	}
	for _, a := range eff.Answers {
		token := a.Token.(string)
		if _, twice := r.answers[token]; twice {
			r.t.Errorf("%s was answered twice", token)
		}
		r.answers[token] = a
	}
	for _, name := range eff.Hangup {
		r.hungUp = append(r.hungUp, name)
		r.fakes[name].linked = false
		events = append(events, coordinator.LinkDown{Participant: name})
	}
	for _, p := range eff.Dial {
		r.dialed = append(r.dialed, p.Name)
		if f := r.fakes[p.Name]; f != nil {
			f.linked = false
		}
		events = append(events, coordinator.LinkDown{Participant: p.Name})
	}
	r.changed = append(r.changed, eff.Changed...)
	r.alarms = append(r.alarms, eff.Alarms...)
	r.lookups = append(r.lookups, eff.Lookups...)
	if !r.holdFind {
		events = append(events, r.found()...)
	}
	r.queue = append(r.queue, eff.Append...)
	if !r.holdLog {
		events = append(events, r.written()...)
	}
	if eff.Stop != nil {
		r.stop = eff.Stop
	}
	return events
}

// written appends what waits for the log.
func (r *rig) written() []coordinator.Event {
	if len(r.queue) == 0 {
		return nil
	}
	group := r.queue
	r.queue = nil
	lsn, err := r.log.Append(r.t.Context(), group)
	if err != nil {
		return []coordinator.Event{coordinator.LogFailed{Err: fmt.Errorf("%w: %w", txc.ErrStopped, err)}}
	}
	return []coordinator.Event{coordinator.Appended{N: len(group), LSN: lsn}}
}

// write lets the log go on.
func (r *rig) write() {
	r.t.Helper()
	r.holdLog = false
	r.step(r.written()...)
}

func (r *rig) found() (events []coordinator.Event) {
	for _, l := range r.lookups {
		f := coordinator.Find(r.log, l)
		if r.findErr != nil {
			f = coordinator.Found{Lookup: l, Err: r.findErr}
		}
		events = append(events, f)
	}
	r.lookups = nil
	return events
}

// find lets look-ups go on.
func (r *rig) find() {
	r.t.Helper()
	r.holdFind = false
	r.step(r.found()...)
}

// flush makes durable what is lazy.
func (r *rig) flush() {
	r.t.Helper()
	if err := r.log.Flush(); err != nil {
		r.t.Fatal(err)
	}
	r.step()
}

// deliver lets participants hear what was sent, and the coordinator their answers, until nobody says anything.
func (r *rig) deliver() {
	r.t.Helper()
	for n := 0; r.deliverOnce(); n++ {
		if n > 1000 {
			r.t.Fatal("they talk without an end")
		}
	}
}

// deliverOnce is one round of it. It reports whether anything was said.
func (r *rig) deliverOnce() (said bool) {
	r.t.Helper()
	for _, name := range r.order {
		f := r.fakes[name]
		if f.deaf || !f.linked {
			continue
		}
		heard := r.sent[name]
		r.sent[name] = nil
		var replies []protocol.Message
		for _, m := range heard {
			replies = append(replies, f.hear(r.t, m)...)
		}
		said = said || len(heard) > 0
		if len(replies) > 0 {
			r.step(coordinator.Received{Participant: name, Messages: replies})
		}
	}
	return said
}

// say lets a participant say something by itself.
func (r *rig) say(name string, messages ...protocol.Message) {
	r.t.Helper()
	r.step(coordinator.Received{Participant: name, Messages: messages})
}

// pass lets time go by; messages are delivered as they come.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	for end := r.now.Add(d); r.now.Before(end); {
		at := r.now.Add(100 * time.Millisecond)
		if !r.next.IsZero() && r.next.After(r.now) && r.next.Before(at) {
			at = r.next
		}
		if at.After(end) {
			at = end
		}
		r.now = at
		if err := r.log.Flush(); err != nil && r.stop == nil {
			r.t.Fatal(err)
		}
		r.step()
		r.deliver()
	}
}
