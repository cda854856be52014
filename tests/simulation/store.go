package simulation

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// Get and Scan read the store as the process sees it.
func (p *participantNode) Get(key []byte) ([]byte, bool, error) {
	v, ok := p.store[string(key)]
	return slices.Clone(v), ok, nil
}

func (p *participantNode) Scan(prefix []byte, f func(key, value []byte) error) error {
	var keys []string
	for k := range p.store {
		if strings.HasPrefix(k, string(prefix)) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := f([]byte(k), p.store[k]); err != nil {
			return err
		}
	}
	return nil
}

func (p *participantNode) stepStore() bool {
	var fx engine.Effects
	events := p.asks
	p.asks = nil
	p.engine.Step(p.w.clock(), events, &fx)
	for _, a := range fx.Answers {
		p.put(participant.Done{N: a.N, Promise: a.Reply.Promise, Fate: a.Reply.Fate, OK: a.Done, Err: a.Reply.Err, Stamp: p.engine.Memory().Stamp})
	}
	if fx.Stop != nil {
		p.w.broken("the store of %s stops itself: %v", p.name, fx.Stop)
		return false
	}
	if fx.Write == nil {
		return true
	}
	// Copied: the batch's memory is the engine's again once it is told.
	b := engine.Batch{Ticket: fx.Write.Ticket}
	for _, q := range fx.Write.Pairs {
		b.Pairs = append(b.Pairs, engine.Pair{Key: bytes.Clone(q.Key), Value: bytes.Clone(q.Value), Gone: q.Gone})
	}
	life := p.life
	p.w.after(p.w.between(10*time.Microsecond, 200*time.Microsecond), func() {
		if p.life != life {
			return
		}
		p.write(&b)
		p.w.after(p.w.between(50*time.Microsecond, 400*time.Microsecond), func() {
			if p.life != life {
				return
			}
			p.sync()
			if p.w.fault(p.w.mix.kill) { // durable, and nobody knows
				p.crash(p.w.chance(p.w.mix.power))
				return
			}
			p.asks = append(p.asks, &engine.Written{Ticket: b.Ticket})
			p.poke()
		})
	})
	return true
}

func (p *participantNode) write(b *engine.Batch) { p.cache = append(p.cache, b.Pairs...) }

func (p *participantNode) sync() {
	for _, q := range p.cache {
		if q.Gone {
			delete(p.store, string(q.Key))
		} else {
			p.store[string(q.Key)] = bytes.Clone(q.Value)
		}
	}
	p.cache = nil
}
