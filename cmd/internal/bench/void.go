package bench

import (
	"context"
	"iter"
	"sync"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// void is a participant's store that keeps nothing and does nothing, at once: what is left is the coordinator and its log.
// It breaks its promises on purpose, and serves no other end.
type void struct {
	name byte
	hold *hold // nil: it never keeps anybody waiting
}

// hold keeps requests while it is shut, as a store does that has stalled.
type hold struct {
	mu   sync.Mutex
	shut bool
	n    int // held
	kept []func()
}

// keeps reports whether it has taken the requests over.
func (h *hold) keeps(n int, later func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shut {
		h.kept = append(h.kept, later)
		h.n += n
	}
	return h.shut
}

func (h *hold) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shut = true
}

// open lets all go that were kept.
func (h *hold) open() {
	h.mu.Lock()
	kept := h.kept
	h.shut, h.kept, h.n = false, nil, 0
	h.mu.Unlock()
	for _, later := range kept {
		later()
	}
}

func (h *hold) held() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// Submit is participant.Batcher's.
func (v void) Submit(reqs []participant.Request, done func(i int, r participant.Reply)) {
	if v.hold != nil && v.hold.keeps(len(reqs), func() { answer(reqs, done) }) {
		return
	}
	answer(reqs, done)
}

func answer(reqs []participant.Request, done func(i int, r participant.Reply)) {
	for i := range reqs {
		switch reqs[i].Verb {
		case participant.VerbPrepare:
			done(i, participant.Reply{Promise: participant.Promise{Vote: txc.Yes}})
		case participant.VerbCommit:
			done(i, participant.Reply{Fate: txc.CommittedNow})
		case participant.VerbAbort:
			done(i, participant.Reply{Fate: txc.AbortedNow})
		}
	}
}

func (v void) Recall(context.Context) (participant.Memory, error) {
	return participant.Memory{Instance: [16]byte{v.name}}, nil
}

func (void) Check(context.Context) (participant.Report, error) {
	return participant.Report{Kind: "void"}, nil
}

func (void) InDoubt(context.Context) iter.Seq2[participant.InDoubt, error] {
	return func(func(participant.InDoubt, error) bool) {}
}

func (void) Committed(context.Context, txc.ID) iter.Seq2[participant.Proof, error] {
	return func(func(participant.Proof, error) bool) {}
}

func (void) Prepare(context.Context, participant.Branch, []byte, bool) (participant.Promise, error) {
	return participant.Promise{Vote: txc.Yes}, nil
}

func (void) Commit(context.Context, participant.Branch, []byte) (txc.Fate, error) {
	return txc.CommittedNow, nil
}

func (void) Abort(context.Context, participant.Branch, []byte) (txc.Fate, error) {
	return txc.AbortedNow, nil
}

func (void) Settle(context.Context, participant.Branch, participant.Settlement) (bool, error) {
	return false, nil
}

func (void) Forget(context.Context, txc.ID, []txc.ID) error       { return nil }
func (void) Remember(context.Context, participant.Memory) error   { return nil }
func (void) Reconciled(context.Context, participant.Branch) error { return nil }
func (void) Close(context.Context) error                          { return nil }
