package resourcetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// name tells branches apart; the foreign one is of another cluster.
type name struct {
	Cluster string
	ID      txc.ID
	Mark    uint64
}

// promise is what the toy keeps of a promised branch.
type promise struct {
	B        participant.Branch
	Key, New string
	Held     bool // nothing to write
	Since    time.Time
	Settled  *participant.Settlement
}

// toy is the simplest adapter: one map, one mutex. Each fault breaks it in one way.
type toy struct {
	mu     sync.Mutex
	s      *shelf
	fault  string
	closed bool
	calls  map[name]*calls
}

var errClosed = errors.New("toy closed")

// does reports whether the toy has this fault.
func (y *toy) does(fault string) bool { return y.fault == fault }

func (y *toy) name(b participant.Branch) name {
	if y.does("takes one id for one branch, whatever its mark") {
		b.Mark = 0
	}
	return name{b.Cluster, b.ID, b.Mark}
}

func (y *toy) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	no := func(code txc.Code) participant.Promise {
		return participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: code, Text: "no", Retryable: code.Retryable()}}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	verb, rest, _ := strings.Cut(string(work), " ")
	key, value, _ := strings.Cut(rest, "=")
	n := y.name(b)
	evidence := []byte("promised")
	if y.does("hands out endless evidence") {
		evidence = make([]byte, txc.MaxEvidence+1)
	}
	yes := participant.Promise{Vote: txc.Yes, Evidence: evidence}
	_, again := y.s.promises[n]
	switch {
	case y.closed && !y.does("votes after Close"):
		return participant.Promise{}, errClosed
	case again && !y.does("executes a repeated Prepare"):
		return yes, nil
	case joined:
		return y.closing(b), nil
	case ctx.Err() != nil && !y.does("promises after the caller's time"):
		return no(txc.CodeDeadline), nil
	case verb == "refuse":
		if y.does("keeps what it refused") {
			y.s.data[key] = "refused"
		}
		return no(txc.CodeRefused), nil
	case verb != "write" && verb != "read":
		if y.does("answers bad work by an error") {
			return participant.Promise{}, errors.New("bad work")
		}
		return no(txc.CodeBadWork), nil
	case y.locked(n, key, verb == "write"):
		return no(txc.CodeConflict), nil
	}
	if verb == "read" {
		yes.Results, _ = json.Marshal(map[string]string{key: y.s.data[key]})
		if y.does("forgets what it read") {
			yes.Results = nil
		}
		if b.MayRelease && !y.does("holds what it may release") || y.does("releases what it must hold") {
			yes.Vote = txc.ReadOnly
			return yes, nil
		}
		yes.Vote = txc.Held
	}
	y.promise(n, promise{B: b, Key: key, New: value, Held: verb == "read", Since: time.Now()})
	return yes, nil
}

func (y *toy) promise(n name, p promise) {
	if y.does("forgets the members") {
		p.B.Members = nil
	}
	if y.does("shows what is only promised") && !p.Held {
		y.s.data[p.Key] = p.New
	}
	y.s.promises[n] = p
	y.s.memory.Stamp++
}

func (y *toy) locked(n name, key string, write bool) bool {
	if y.does("has no locks") {
		return false
	}
	for other, p := range y.s.promises {
		if other != n && p.Settled == nil && p.Key == key && (write || !p.Held) {
			return true
		}
	}
	return false
}

func (y *toy) Commit(_ context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	n := y.name(b)
	p, ok := y.s.promises[n]
	fate, proved := y.s.proofs[n]
	switch {
	case y.closed && !y.does("votes after Close"):
		return 0, errClosed
	case ok && p.Settled != nil:
		return settledFate(p.Settled.Outcome), nil
	case ok:
		y.apply(n, p)
		return txc.CommittedNow, nil
	case proved:
		return fate, nil
	case y.does("takes not found for success"):
		return txc.CommittedBefore, nil
	case len(evidence) > 0:
		return txc.Hazard, nil
	}
	return txc.NeverPrepared, nil
}

func settledFate(o txc.Outcome) txc.Fate {
	if o == txc.Committed {
		return txc.CommittedBefore
	}
	return txc.AbortedBefore
}

func (y *toy) apply(n name, p promise) {
	if !p.Held {
		y.s.data[p.Key] = p.New
	}
	delete(y.s.promises, n)
	if !y.does("leaves no proof") {
		y.s.proofs[n] = txc.CommittedBefore
	}
	y.s.memory.Stamp++
}

func (y *toy) Abort(_ context.Context, b participant.Branch, _ []byte) (txc.Fate, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	n := y.name(b)
	if !y.does("keeps open what was aborted") {
		delete(y.open(), n)
	}
	p, ok := y.s.promises[n]
	switch {
	case y.closed:
		return 0, errClosed
	case y.s.proofs[n] == txc.CommittedBefore && !y.does("says aborted of what committed"):
		return txc.CommittedBefore, nil
	case ok && p.Settled != nil && p.Settled.Outcome == txc.Committed:
		return txc.CommittedBefore, nil
	case ok && p.Settled != nil:
		return txc.AbortedNow, nil
	}
	if !y.does("keeps what was aborted") {
		delete(y.s.promises, n)
	}
	return txc.AbortedNow, nil
}

func (y *toy) InDoubt(context.Context) iter.Seq2[participant.InDoubt, error] {
	y.mu.Lock()
	defer y.mu.Unlock()
	var all []participant.InDoubt
	for n, p := range y.s.promises {
		if n.Cluster != cluster && !y.does("lists what is not its own") {
			continue
		}
		d := participant.InDoubt{ID: n.ID, Mark: n.Mark, Evidence: []byte("promised"), Since: p.Since, Members: p.B.Members, Age: p.B.Age}
		if p.Settled != nil {
			d.Settled = settledFate(p.Settled.Outcome)
			d.Why = txc.Reason{Code: txc.CodeOperator, Text: p.Settled.Why}
		}
		if p.Settled == nil || !y.does("does not list what is settled") {
			all = append(all, d)
		}
	}
	return each(all)
}

func (y *toy) Committed(_ context.Context, from txc.ID) iter.Seq2[participant.Proof, error] {
	y.mu.Lock()
	defer y.mu.Unlock()
	var all []participant.Proof
	for n, f := range y.s.proofs {
		if f == txc.CommittedBefore && !y.s.hands[n] && (n.ID.Compare(from) >= 0 || y.does("lists markers below")) {
			all = append(all, participant.Proof{ID: n.ID, Mark: n.Mark})
		}
	}
	return each(all)
}

func each[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, x := range all {
			if !yield(x, nil) {
				return
			}
		}
	}
}

func (y *toy) Forget(_ context.Context, below txc.ID, but []txc.ID) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	for n := range y.s.proofs {
		own := n.ID.Coordinator == below.Coordinator || y.does("forgets other coordinators' proofs")
		if own && n.ID.Compare(below) < 0 && (!slices.Contains(but, n.ID) || y.does("forgets the exceptions")) {
			delete(y.s.proofs, n)
		}
		if y.does("forgets other coordinators' proofs") && n.ID.Coordinator != below.Coordinator {
			delete(y.s.proofs, n)
		}
	}
	if y.does("forgets promises") {
		maps.DeleteFunc(y.s.promises, func(n name, _ promise) bool { return n.ID.Compare(below) < 0 })
	}
	return nil
}

func (y *toy) Recall(context.Context) (participant.Memory, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	m := y.s.memory
	m.Seen = slices.Clone(m.Seen)
	return m, nil
}

func (y *toy) Remember(_ context.Context, m participant.Memory) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if !y.does("remembers nothing") {
		y.s.memory.Seen = slices.Clone(m.Seen)
	}
	if y.does("takes the caller's stamp") {
		y.s.memory.Stamp = m.Stamp
	}
	return nil
}

func (y *toy) Settle(_ context.Context, b participant.Branch, by participant.Settlement) (bool, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	n := y.name(b)
	p, ok := y.s.promises[n]
	if !ok || p.Settled != nil {
		return y.does("settles what is not promised"), nil
	}
	if by.Outcome == txc.Committed && !y.does("settles without applying") {
		y.apply(n, p)
	}
	p.Settled = &by
	y.s.promises[n] = p
	y.s.hands[n] = !y.does("shows what an operator did as decided")
	return true, nil
}

func (y *toy) Reconciled(_ context.Context, b participant.Branch) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	n := y.name(b)
	if p, ok := y.s.promises[n]; ok && p.Settled != nil && !y.does("never reconciles") {
		delete(y.s.promises, n)
		y.s.proofs[n] = settledFate(p.Settled.Outcome)
	}
	return nil
}

func (y *toy) Check(context.Context) (participant.Report, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return participant.Report{Kind: "toy", Instance: y.s.memory.Instance, InDoubt: uint64(len(y.s.promises))}, nil
}

func (y *toy) Close(context.Context) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.closed = true
	if y.does("ends promises at Close") {
		clear(y.s.promises)
	}
	return nil
}
