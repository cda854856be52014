package coordinator_test

import (
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// ledger knows what may be said, from the log and from what was said before; nothing in it is the core's.
//
//   - committed: only of what is durable, or of what nobody had anything to write for (C1);
//   - aborted: never of what is durable, and what was called so never becomes durable (C2, C3);
//   - a key has one durable transaction (C11), a branch one Prepare.
type ledger struct {
	tb       testing.TB
	durable  map[txc.ID]string // with its key
	ofKey    map[string]txc.ID
	denied   map[txc.ID]string // called aborted, by what
	promised map[txc.ID]bool   // somebody has something to write for it
	prepared map[branch]bool
	judged   map[string]bool   // answers
	asked    map[string]branch // participants' questions, by token
}

type branch struct {
	id   txc.ID
	name string
}

func newLedger(t testing.TB) *ledger {
	return &ledger{
		tb: t, durable: map[txc.ID]string{}, ofKey: map[string]txc.ID{}, denied: map[txc.ID]string{},
		promised: map[txc.ID]bool{}, prepared: map[branch]bool{}, judged: map[string]bool{}, asked: map[string]branch{},
	}
}

// appended enters what became durable.
func (l *ledger) appended(group []wal.Record) {
	l.tb.Helper()
	for _, rec := range group {
		b, ok := rec.Body.(wal.CommitBody)
		if !ok {
			continue
		}
		if _, twice := l.durable[rec.ID]; twice {
			l.tb.Fatalf("C2: %s is decided twice", rec.ID)
		}
		l.enter(rec.ID, b.Key)
	}
}

func (l *ledger) enter(id txc.ID, key string) {
	l.tb.Helper()
	if by := l.denied[id]; by != "" {
		l.tb.Fatalf("C2: %s is durable, and was called aborted by %s", id, by)
	}
	if other, ok := l.ofKey[key]; ok && key != "" && other != id {
		l.tb.Fatalf("C11: the key %s has %s and %s", key, other, id)
	}
	l.durable[id] = key
	if key != "" {
		l.ofKey[key] = id
	}
}

// reopened looks at the log itself: what was durable is there; what is there and was of unknown fate counts from now on.
func (l *ledger) reopened(r *rig) {
	l.tb.Helper()
	there := map[txc.ID]bool{}
	for _, rec := range records[wal.CommitBody](r) {
		there[rec.ID] = true
		l.enter(rec.ID, rec.Body.(wal.CommitBody).Key)
	}
	for id := range l.durable {
		if !there[id] {
			l.tb.Fatalf("C3: %s was durable and is gone", id)
		}
	}
}

// voted notes who has something to write.
func (l *ledger) voted(replies []protocol.Message) {
	for _, m := range replies {
		if v, ok := m.Body.(protocol.Vote); ok && v.Vote == txc.Yes {
			l.promised[m.ID] = true
		}
	}
}

// sends judges a message of the core.
func (l *ledger) sends(name string, m protocol.Message) {
	l.tb.Helper()
	switch b := m.Body.(type) {
	case protocol.Prepare:
		if l.prepared[branch{m.ID, name}] {
			l.tb.Fatalf("%s is prepared twice at %s", m.ID, name)
		}
		l.prepared[branch{m.ID, name}] = true
	case protocol.Commit:
		l.committed(m.ID, "a Commit", false)
	case protocol.Abort:
		l.aborted(m.ID, "an Abort")
	case protocol.Answer:
		l.told(m.ID, b.Outcome, "an answer to "+name)
	}
}

func (l *ledger) told(id txc.ID, o txc.Outcome, by string) {
	l.tb.Helper()
	switch o {
	case txc.Committed:
		l.committed(id, by, false)
	case txc.Aborted:
		l.aborted(id, by)
	}
}

func (l *ledger) committed(id txc.ID, by string, orNothing bool) {
	l.tb.Helper()
	_, ok := l.durable[id]
	if !ok && (!orNothing || l.promised[id]) {
		l.tb.Fatalf("C1: %s says that %s is committed, and it is not durable", by, id)
	}
}

// aborted is said of what nobody has anything to write for, too: it is true.
func (l *ledger) aborted(id txc.ID, by string) {
	l.tb.Helper()
	if _, ok := l.durable[id]; ok {
		l.tb.Fatalf("C2: %s says that %s is aborted, and it is durable", by, id)
	}
	l.denied[id] = by
}

// answers judges what clients heard.
func (l *ledger) answers(token string, a coordinator.Answered) {
	l.tb.Helper()
	if l.judged[token] || a.Err != nil {
		return
	}
	l.judged[token] = true
	l.told(l.asked[token].id, a.Answer.Outcome, token)
	switch r := a.Result; r.Outcome {
	case txc.Committed:
		l.committed(r.ID, token, true)
		if first, ok := l.ofKey[r.Key]; r.Key != "" && ok && first != r.ID && l.durable[r.ID] != "" {
			l.tb.Fatalf("C11: %s says %s of the key %s, which is %s's", token, r.ID, r.Key, first)
		}
	case txc.Aborted:
		l.aborted(r.ID, token)
	}
}
