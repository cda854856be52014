package rpc_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// shop is a store in memory. Its work is words: "put k v", "get k", "refuse", "conflict", "block" (until its time is up),
// "big" (results that are as large as they may be). It outlives its agent, as a store on a disk does.
type shop struct {
	mu       sync.Mutex
	memory   participant.Memory
	promised map[branch]participant.InDoubt
	work     map[branch]string
	done     map[branch]bool
	values   map[string]string
	working  map[branch]int // joined: calls so far
	prepares int
	blocked  chan struct{} // gets one for each "block" that begins
}

type branch struct {
	id   txc.ID
	mark uint64
}

func newShop(instance byte) *shop {
	return &shop{
		memory: participant.Memory{Instance: [16]byte{instance}}, promised: map[branch]participant.InDoubt{}, work: map[branch]string{},
		done: map[branch]bool{}, working: map[branch]int{}, values: map[string]string{}, blocked: make(chan struct{}, 64),
	}
}

func no(code txc.Code) (participant.Promise, error) {
	return participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: code, Text: "the shop says no", Retryable: code.Retryable()}}, nil
}

func (s *shop) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	verb, rest, _ := strings.Cut(string(work), " ")
	if verb == "block" {
		s.blocked <- struct{}{}
		<-ctx.Done()
		return no(txc.CodeDeadline)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepares++
	k := branch{b.ID, b.Mark}
	switch {
	case joined && s.working[k] > 0:
		s.promise(k, b, fmt.Sprintf("put calls %d", s.working[k]))
		delete(s.working, k)
		return participant.Promise{Vote: txc.Yes, Evidence: []byte("slip " + b.ID.String())}, nil
	case joined || verb == "refuse":
		return no(txc.CodeRefused)
	case verb == "conflict":
		return no(txc.CodeConflict)
	case verb == "get" && b.MayRelease:
		return participant.Promise{Vote: txc.ReadOnly, Results: []byte(s.values[rest])}, nil
	case verb == "big":
		return participant.Promise{Vote: txc.Held, Results: make([]byte, txc.MaxBranchRes)}, nil
	case verb == "get":
		s.promise(k, b, string(work))
		return participant.Promise{Vote: txc.Held, Results: []byte(s.values[rest])}, nil
	case verb != "put":
		return no(txc.CodeBadWork)
	}
	s.promise(k, b, string(work))
	s.memory.Stamp++
	return participant.Promise{Vote: txc.Yes, Evidence: []byte("slip " + b.ID.String())}, nil
}

func (s *shop) promise(k branch, b participant.Branch, work string) {
	s.promised[k] = participant.InDoubt{ID: b.ID, Mark: b.Mark, Members: b.Members, Age: b.Age}
	s.work[k] = work
}

func (s *shop) Commit(_ context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := branch{b.ID, b.Mark}
	switch _, promised := s.promised[k]; {
	case s.done[k]:
		return txc.CommittedBefore, nil
	case !promised:
		return txc.NeverPrepared, nil
	}
	if words := strings.SplitN(s.work[k], " ", 3); words[0] == "put" {
		if want := "slip " + b.ID.String(); string(evidence) != want {
			return 0, fmt.Errorf("evidence %q, want %q", evidence, want)
		}
		s.values[words[1]] = words[2]
	}
	delete(s.promised, k)
	s.done[k] = true
	s.memory.Stamp++
	return txc.CommittedNow, nil
}

func (s *shop) Abort(_ context.Context, b participant.Branch, _ []byte) (txc.Fate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := branch{b.ID, b.Mark}
	if s.done[k] {
		return txc.CommittedBefore, nil
	}
	delete(s.promised, k)
	delete(s.working, k)
	return txc.AbortedNow, nil
}

type handle struct{}

func (s *shop) Join(ctx context.Context, b participant.Branch) (context.Context, error) {
	return context.WithValue(ctx, handle{}, s), nil
}

func (s *shop) Leave(_ context.Context, b participant.Branch, failed error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if failed == nil {
		s.working[branch{b.ID, b.Mark}]++
	}
	return nil
}

func (s *shop) InDoubt(context.Context) iter.Seq2[participant.InDoubt, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []participant.InDoubt
	for _, d := range s.promised {
		all = append(all, d)
	}
	return func(yield func(participant.InDoubt, error) bool) {
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (s *shop) Committed(_ context.Context, from txc.ID) iter.Seq2[participant.Proof, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []participant.Proof
	for k := range s.done {
		if k.id.Coordinator == from.Coordinator && k.id.Compare(from) >= 0 {
			all = append(all, participant.Proof{ID: k.id, Mark: k.mark})
		}
	}
	slices.SortFunc(all, func(a, b participant.Proof) int { return a.ID.Compare(b.ID) })
	return func(yield func(participant.Proof, error) bool) {
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (s *shop) Forget(context.Context, txc.ID, []txc.ID) error { return nil }

func (s *shop) Recall(context.Context) (participant.Memory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory, nil
}

func (s *shop) Remember(_ context.Context, m participant.Memory) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.Seen = m.Seen
	return nil
}

func (s *shop) Settle(_ context.Context, b participant.Branch, w participant.Settlement) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := branch{b.ID, b.Mark}
	_, ok := s.promised[k]
	delete(s.promised, k)
	s.done[k] = ok && w.Outcome == txc.Committed
	return ok, nil
}

func (s *shop) Reconciled(context.Context, participant.Branch) error { return nil }

func (s *shop) Check(context.Context) (participant.Report, error) {
	return participant.Report{Kind: "shop", Version: "1", Findings: []participant.Finding{{Name: "toy", Severity: "info", Text: "not durable"}}}, nil
}

func (s *shop) Close(context.Context) error { return nil }

func (s *shop) value(k string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[k]
}

func (s *shop) doubts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.promised)
}
