package coordinator_test

import (
	"slices"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// fake is a participant that does what a script says, and else what a good one does.
type fake struct {
	name        string
	instance    [16]byte
	incarnation uint64
	stamp       uint64
	seen        []protocol.Seen // witnesses; the last is raised by what it promises and applies, unless frozen
	frozen      bool
	linked      bool
	deaf        bool // it hears nothing for now
	pageSize    int  // of its list; 0: one page

	vote func(protocol.Message) (protocol.Vote, bool)  // false: as usual
	fate func(protocol.Message) (protocol.Fated, bool) // false: as usual
	mute func(protocol.Message) bool                   // it does what it hears, and its answer is lost

	promised map[txc.ID]protocol.InDoubt
	markers  []protocol.Proof
	ended    map[txc.ID]txc.Fate
	heard    []protocol.Message // all of it
}

func newFake(name string, n byte) *fake {
	return &fake{name: name, instance: [16]byte{n}, incarnation: uint64(n) << 8, promised: map[txc.ID]protocol.InDoubt{}, ended: map[txc.ID]txc.Fate{}}
}

func (f *fake) hear(t testing.TB, m protocol.Message) []protocol.Message {
	t.Helper()
	if m.From == nil || m.From.Cluster != "test" || m.From.Coordinator != 1 || m.From.Epoch == 0 || m.From.Mark == 0 {
		t.Errorf("C5: %s heard %+v of %+v", f.name, m.Body, m.From)
	}
	f.heard = append(f.heard, m)
	body := f.does(t, m)
	if body == nil || f.mute != nil && f.mute(m) {
		return nil
	}
	return []protocol.Message{{ID: m.ID, Mark: m.Mark, Body: body}}
}

func (f *fake) does(t testing.TB, m protocol.Message) protocol.Body {
	t.Helper()
	switch b := m.Body.(type) {
	case protocol.Hello:
		return protocol.Welcome{Name: f.name, Instance: f.instance, Incarnation: f.incarnation, Stamp: f.stamp, Seen: f.seen}
	case protocol.List:
		return f.page(b.Page)
	case protocol.Prepare:
		return f.prepare(m, b)
	case protocol.Commit:
		return f.commit(m)
	case protocol.Abort:
		return f.abort(m)
	case protocol.Answer:
		if _, ok := f.promised[m.ID]; ok && b.Outcome == txc.Committed {
			f.commit(m)
		} else if ok && b.Outcome == txc.Aborted {
			f.abort(m)
		}
	}
	return nil
}

func (f *fake) prepare(m protocol.Message, b protocol.Prepare) protocol.Body {
	vote := protocol.Vote{Vote: txc.Yes, Evidence: []byte("e-" + f.name)}
	if f.vote != nil {
		if v, ok := f.vote(m); ok {
			vote = v
		}
	}
	if vote.Vote.Promises() {
		f.promised[m.ID] = protocol.InDoubt{ID: m.ID, Mark: m.Mark, Members: b.Members, Evidence: vote.Evidence, Age: b.Age}
		f.witness(m)
	}
	vote.Stamp = f.stamp
	return vote
}

func (f *fake) commit(m protocol.Message) protocol.Body {
	if f.fate != nil {
		if fate, ok := f.fate(m); ok {
			return fate
		}
	}
	fate := protocol.Fated{Fate: txc.NeverPrepared}
	if _, ok := f.promised[m.ID]; ok {
		delete(f.promised, m.ID)
		f.ended[m.ID], fate.Fate = txc.CommittedBefore, txc.CommittedNow
		f.markers = append(f.markers, protocol.Proof{ID: m.ID, Mark: m.Mark})
		f.witness(m)
	} else if f.ended[m.ID] != 0 {
		fate.Fate = f.ended[m.ID]
	}
	fate.Stamp = f.stamp
	return fate
}

func (f *fake) abort(m protocol.Message) protocol.Body {
	if f.fate != nil {
		if fate, ok := f.fate(m); ok {
			return fate
		}
	}
	if f.ended[m.ID] == txc.CommittedBefore {
		return protocol.Fated{Fate: txc.CommittedBefore}
	}
	delete(f.promised, m.ID)
	f.ended[m.ID] = txc.AbortedBefore
	return protocol.Fated{Fate: txc.AbortedNow}
}

// witness is kept with each promise and each applied commit (C6).
func (f *fake) witness(m protocol.Message) {
	if f.stamp > 0 {
		f.stamp++
	}
	if !f.frozen && m.From != nil {
		f.seen = []protocol.Seen{{Coordinator: m.From.Coordinator, Epoch: m.From.Epoch, Mark: m.From.Mark, LSN: m.From.LSN}}
	}
}

// page lists what is promised, in the order of ids, a few at a time; the markers stand on the last page.
func (f *fake) page(page string) protocol.Listed {
	var all []protocol.InDoubt
	for _, d := range f.promised {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b protocol.InDoubt) int { return a.ID.Compare(b.ID) })
	from := 0
	if page != "" {
		after, _ := txc.ParseID(page)
		from = len(all)
		for i := range all {
			if all[i].ID.Compare(after) > 0 {
				from = i
				break
			}
		}
	}
	to := len(all)
	if f.pageSize > 0 {
		to = min(to, from+f.pageSize)
	}
	listed := protocol.Listed{InDoubt: all[from:to], Seen: f.seen}
	if to < len(all) {
		listed.Next = all[to-1].ID.String()
		return listed
	}
	listed.Committed = f.markers
	return listed
}

// restart draws a new incarnation; memory is lost.
func (f *fake) restart() {
	f.incarnation++
	for id, fate := range f.ended {
		if fate != txc.CommittedBefore {
			delete(f.ended, id)
		}
	}
}

// sentTo are the bodies of one kind that are on their way to a participant.
func sentTo[B protocol.Body](r *rig, name string) (all []protocol.Message) {
	for _, m := range r.sent[name] {
		if _, ok := m.Body.(B); ok {
			all = append(all, m)
		}
	}
	return all
}

// heardBy are those that it has heard.
func heardBy[B protocol.Body](f *fake) (all []protocol.Message) {
	for _, m := range f.heard {
		if _, ok := m.Body.(B); ok {
			all = append(all, m)
		}
	}
	return all
}

// records are the durable records of one kind, oldest first.
func records[B wal.Body](r *rig) (all []wal.Record) {
	r.t.Helper()
	for rec, err := range r.log.History(r.t.Context()) {
		if err != nil {
			r.t.Fatal(err)
		}
		if _, ok := rec.Body.(B); ok {
			all = append(all, rec)
		}
	}
	slices.Reverse(all)
	return all
}
