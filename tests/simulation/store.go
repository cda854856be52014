package simulation

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// store is a participant's disk, and the system's cache of it. A batch counts as a whole, as Badger's do.
type store struct {
	durable map[string][]byte
	cached  map[string]cached // written, and not known to be durable: whoever opens the store sees it, a power cut takes it
	flipped string            // the key whose bytes do not fit their checksum any more; "": none
	dead    error             // every write fails so
}

type cached struct {
	value []byte
	gone  bool
}

func newStore() *store {
	d := &store{durable: map[string][]byte{}, cached: map[string]cached{}}
	for i := range accounts {
		d.durable[string(engine.DataKey(account(i)))] = fmt.Append(nil, funds)
	}
	return d
}

func (d *store) look(key string) (value []byte, found bool) {
	if c, ok := d.cached[key]; ok {
		return c.value, !c.gone
	}
	value, found = d.durable[key]
	return value, found
}

// Get and Scan read it as the process sees it.
func (d *store) Get(key []byte) ([]byte, bool, error) {
	if len(d.flipped) > 0 && string(key) == d.flipped {
		return nil, false, fmt.Errorf("%w: checksum of %q", txc.ErrRefused, key)
	}
	v, ok := d.look(string(key))
	return v, ok, nil
}

func (d *store) Scan(prefix []byte, f func(key, value []byte) error) error {
	var keys []string
	has := func(k string) {
		if strings.HasPrefix(k, string(prefix)) {
			keys = append(keys, k)
		}
	}
	for k := range d.durable {
		has(k)
	}
	for k := range d.cached {
		has(k)
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		if k == d.flipped {
			return fmt.Errorf("%w: checksum of %q", txc.ErrRefused, k)
		}
		if v, ok := d.look(k); ok {
			if err := f([]byte(k), v); err != nil {
				return err
			}
		}
	}
	return nil
}

// write puts a batch into the cache. Its bytes are the store's from now on, and never change.
func (d *store) write(pairs []engine.Pair) {
	for _, q := range pairs {
		d.cached[string(q.Key)] = cached{q.Value, q.Gone}
	}
}

// sync makes a batch durable that was written, and nothing else: what an earlier one left in the cache after its sync
// had failed is not tried again (B3).
func (d *store) sync(pairs []engine.Pair) {
	for _, q := range pairs {
		if q.Gone {
			delete(d.durable, string(q.Key))
		} else {
			d.durable[string(q.Key)] = q.Value
		}
		delete(d.cached, string(q.Key))
	}
}

// losePower takes the cache.
func (d *store) losePower() { clear(d.cached) }

// image is all that is durable, by key.
func (d *store) image() []string { return slices.Sorted(maps.Keys(d.durable)) }

// options are the engine's. Every other seed has a journal so short that promises and proofs move out of it.
func (p *participantNode) options() engine.Options {
	o := engine.Options{Cluster: cluster, Participant: p.name, Instance: p.instance}
	if p.w.Seed%2 == 1 {
		o.Journal = shortJournal
	}
	return o
}

// shortJournal is a journal of a few batches.
const shortJournal = 512

// writeBatch writes what the engine wants written, with whatever befalls it.
func (p *participantNode) writeBatch(b *engine.Batch) {
	if p.w.fault(storeRefuses) { // full, before the first byte
		p.say(b, "refused")
		p.later(p.syncTime(), func() {
			p.toStore(&engine.NotWritten{Ticket: b.Ticket, Err: errFull})
		})
		return
	}
	if p.w.fault(storeDead) {
		p.store.dead = errBroken
		if p.w.chance(0.5) {
			p.store.dead = errFull
		}
		p.w.after(p.w.between(100*time.Millisecond, 3*time.Second), func() { p.store.dead = nil })
	}
	p.later(p.w.between(10*time.Microsecond, 200*time.Microsecond), func() {
		if p.store.dead != nil {
			p.say(b, "failed for good")
			p.toStore(&engine.Lost{Ticket: b.Ticket, Err: p.store.dead})
			return
		}
		p.store.write(b.Pairs)
		if p.w.fault(killParticipant) { // between write and sync
			p.crash(p.w.power())
			return
		}
		p.later(p.syncTime(), func() { p.syncBatch(b) })
	})
}

func (p *participantNode) syncTime() time.Duration {
	if p.w.fault(slowDisk) {
		return p.w.between(10*time.Millisecond, 2*time.Second)
	}
	return p.w.between(50*time.Microsecond, 400*time.Microsecond)
}

func (p *participantNode) syncBatch(b *engine.Batch) {
	if p.w.fault(storeError) { // nobody can tell what became of it
		p.say(b, "failed")
		switch p.w.rng.IntN(3) {
		case 0:
			p.store.sync(b.Pairs)
		case 1:
			for _, q := range b.Pairs {
				delete(p.store.cached, string(q.Key))
			}
		}
		p.toStore(&engine.Lost{Ticket: b.Ticket, Err: errBroken})
		return
	}
	p.store.sync(b.Pairs)
	p.say(b, "durable")
	if p.w.fault(killParticipant) { // durable, and nobody knows
		p.crash(p.w.power())
		return
	}
	p.toStore(&engine.Written{Ticket: b.Ticket})
}

func (p *participantNode) say(b *engine.Batch, what string) {
	p.w.number(uint64(p.w.now))
	p.w.number(b.Ticket<<8 | uint64(len(what)))
	for _, q := range b.Pairs {
		p.w.bytes(q.Key)
		p.w.bytes(q.Value)
	}
	if p.w.read() {
		p.w.print("%s batch of %d %s", p.name, len(b.Pairs), what)
	}
}

func (p *participantNode) toStore(ev engine.Event) {
	p.asks = append(p.asks, ev)
	p.poke()
}

// stepStore steps the engine; false if the process ended.
func (p *participantNode) stepStore() bool {
	events := p.asks
	p.asks = p.spareAsks[:0]
	p.engine.Step(p.clock(), events, &p.fx)
	clear(events)
	p.spareAsks = events
	for _, a := range p.fx.Answers {
		p.put(participant.Done{N: a.N, Promise: a.Reply.Promise, Fate: a.Reply.Fate, OK: a.Done, Err: a.Reply.Err, Stamp: p.engine.Stamp()})
	}
	if p.fx.Stop != nil { // P11: only opening it again tells
		p.w.say("the store of %s stops itself: %v", p.name, p.fx.Stop)
		if p.store.dead == nil && p.w.faults[storeError] == 0 && p.w.faults[storeFlip] == 0 && p.w.faults[storeDead] == 0 {
			p.w.broken("the store of %s stops itself, though nothing befell it: %v", p.name, p.fx.Stop)
		}
		p.crash(p.w.power())
		return false
	}
	if p.fx.Write != nil {
		p.writeBatch(copied(p.fx.Write))
	}
	return true
}

// copied: the batch's memory is the engine's again once it is told, and a dead process's page cache outlives it.
func copied(b *engine.Batch) *engine.Batch {
	c := &engine.Batch{Ticket: b.Ticket, Pairs: make([]engine.Pair, len(b.Pairs))}
	for i, q := range b.Pairs {
		c.Pairs[i] = engine.Pair{Key: bytes.Clone(q.Key), Value: bytes.Clone(q.Value), Gone: q.Gone}
	}
	return c
}
