package engine_test

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// site is one store.
type site struct {
	w        *world
	i        int
	d        *disk
	c        *engine.Core
	fx       engine.Effects
	batch    *engine.Batch
	asked    map[uint64]func(participant.Reply)
	n        uint64
	versions map[string][]uint64 // of each key, the writers in order
}

func (s *site) ask(r participant.Request, done func(participant.Reply)) {
	s.post(func(n uint64) engine.Event { return &engine.Ask{N: n, Request: r} }, done)
}

func (s *site) post(event func(n uint64) engine.Event, done func(participant.Reply)) {
	s.n++
	s.asked[s.n] = done
	s.step(event(s.n))
}

func (s *site) step(events ...engine.Event) {
	s.c.Step(s.w.now, events, &s.fx)
	for _, a := range s.fx.Answers {
		done := s.asked[a.N]
		delete(s.asked, a.N)
		done(a.Reply)
	}
	if s.fx.Write != nil {
		s.batch = s.fx.Write
	}
}

// reach writes a batch into the page cache and notes the versions that it makes.
func (s *site) reach(b *engine.Batch) {
	s.d.write(b)
	for _, p := range b.Pairs {
		key, ok := engine.UserKey(p.Key)
		if !ok {
			continue
		}
		var v uint64
		if _, err := fmt.Sscan(string(p.Value), &v); err != nil {
			s.w.t.Fatal(err)
		}
		if list := s.versions[string(key)]; len(list) == 0 || list[len(list)-1] != v {
			s.versions[string(key)] = append(list, v)
		}
	}
}

func (s *site) written() {
	if b := s.batch; b != nil {
		s.batch = nil
		s.reach(b)
		s.d.sync(b)
		s.step(&engine.Written{Ticket: b.Ticket})
	}
}

// crash ends the process. What it had in flight is lost, or in the page cache; a Prepare without a vote is a No.
func (s *site) crash() {
	w := s.w
	if s.batch != nil && w.rnd.IntN(2) == 0 {
		s.reach(s.batch)
	}
	if w.rnd.IntN(2) == 0 && s.c != nil {
		s.powerLoss()
	}
	s.batch, s.asked, s.n = nil, map[uint64]func(participant.Reply){}, 0
	c, b, err := engine.Open(engine.Options{Cluster: cluster, Participant: fmt.Sprint("s", s.i), Instance: [16]byte{1}, Journal: s.i * shortJournal}, s.d)
	if err != nil {
		w.t.Fatal(err)
	}
	s.c = c
	s.reach(b)
	s.d.sync(b)
	s.step(&engine.Written{Ticket: b.Ticket})
	for _, x := range w.txs {
		if x.outcome == txc.Undecided && x.part[s.i].sent && !x.part[s.i].voted {
			w.end(x, txc.Aborted)
		}
	}
	if w.rnd.IntN(3) == 0 { // what was shown after the opening must survive this
		s.powerLossNow()
	}
}

// powerLoss takes from the page cache what was not synced, and from the versions what is lost so.
func (s *site) powerLoss() {
	s.d.powerLoss()
	for key, list := range s.versions {
		for len(list) > 0 && s.d.cache[string(engine.DataKey([]byte(key)))] != fmt.Sprint(list[len(list)-1]) {
			list = list[:len(list)-1]
		}
		s.versions[key] = list
	}
}

// powerLossNow is a power loss right after an opening: nothing may get lost by it, because all was synced.
func (s *site) powerLossNow() {
	before := fmt.Sprint(s.d.cache)
	s.d.powerLoss()
	if after := fmt.Sprint(s.d.cache); after != before {
		s.w.lost = "an opening relied on what was not synced"
	}
}
