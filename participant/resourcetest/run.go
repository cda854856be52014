package resourcetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// CaseTime bounds one case.
const CaseTime = 30 * time.Second

// Store is one store under test, empty at first. Hooks that may be nil say so.
type Store struct {
	Cluster, Participant string

	// Open opens the store: the same content each time. The suite has at most one open at a time.
	Open func() (participant.Resource, error)
	// Crash ends the open resource as a killed process would; nil: the suite closes it.
	Crash func(r participant.Resource) error
	// Done frees what the store has used; nil: nothing.
	Done func()

	Write  func(key, value string) []byte // work that sets a value, whatever there was
	Read   func(key string) []byte        // work that reads a value and writes nothing; nil: there is none
	Refuse func(key string) []byte        // work that writes, and whose expectation is never met; nil: there is none
	// Call is what a service's own code does in a call: it sets a value on the branch that ctx, of Join, has joined. nil: the
	// store is no participant.Joiner.
	Call func(ctx context.Context, key, value string) error

	Broken []byte // bytes that are not work; nil: whatever comes is work

	// Value reads a committed value beside all branches.
	Value func(r participant.Resource, key string) (value string, found bool, err error)
	// Values decodes the results of Read; nil: they are not looked at.
	Values func(results []byte) (map[string]string, error)
	// Foreign puts a promised branch of somebody else into the store, and tells whether it is still there; nil: nobody
	// else can use the store.
	Foreign func(r participant.Resource) (still func() bool, err error)

	// Locks says that what a promised branch has written or read is nobody else's until it ends (S1).
	Locks bool
}

// failure is what a case found; the sentence is in its name.
type failure struct{ error }

var errSkipped = errors.New("the store has no such thing")

// case_ is one sentence that every adapter fulfils.
type case_ struct {
	says  string
	needs func(s *Store) bool // nil: nothing
	check func(r *rig)
}

// Run runs all cases against stores that fresh makes, one for each.
func Run(t *testing.T, fresh func(t *testing.T) *Store) {
	batched := false
	t.Run("blocking", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.says, func(t *testing.T) { report(t, c, fresh(t), false, &batched) })
		}
	})
	if !batched {
		return
	}
	t.Run("batched", func(t *testing.T) {
		for _, c := range append(cases, batchCases...) {
			t.Run(c.says, func(t *testing.T) { report(t, c, fresh(t), true, &batched) })
		}
	})
}

func report(t *testing.T, c case_, s *Store, submit bool, batched *bool) {
	err := examine(c, s, submit, batched)
	switch {
	case errors.Is(err, errSkipped):
		t.Skip(err)
	case err != nil:
		t.Error(err)
	}
}

// Examine runs the cases without a test, and returns what was broken, by the sentence. It is how the suite is tested.
func Examine(fresh func() *Store) map[string]error {
	broken := map[string]error{}
	batched := false
	try := func(c case_, submit bool) {
		if err := examine(c, fresh(), submit, &batched); err != nil && !errors.Is(err, errSkipped) {
			broken[c.says] = err
		}
	}
	for _, c := range cases {
		try(c, false)
	}
	if batched {
		for _, c := range append(cases, batchCases...) {
			try(c, true)
		}
	}
	return broken
}

// examine runs one case. What the case finds comes as a panic of its own kind: a case reads as a plain story.
func examine(c case_, s *Store, submit bool, batched *bool) (err error) {
	if s.Done != nil {
		defer s.Done()
	}
	if c.needs != nil && !c.needs(s) {
		return errSkipped
	}
	ctx, cancel := context.WithTimeout(context.Background(), CaseTime)
	defer cancel()
	r := &rig{s: s, ctx: ctx, submit: submit}
	defer func() {
		if p := recover(); p != nil {
			f, ours := p.(failure)
			if !ours {
				panic(p)
			}
			err = f.error
		}
		if r.r != nil {
			err = errors.Join(err, r.r.Close(ctx))
		}
	}()
	r.open()
	_, *batched = r.r.(participant.Batcher)
	c.check(r)
	return nil
}

// rig drives one store.
type rig struct {
	s      *Store
	r      participant.Resource
	ctx    context.Context // of the case
	submit bool
	next   uint64
}

func (r *rig) failf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func (r *rig) ok(err error, doing string) {
	if err != nil {
		r.failf("%s: %w", doing, err)
	}
}

func (r *rig) open() {
	res, err := r.s.Open()
	r.ok(err, "open")
	r.r = res
}

// reopen ends the store as a killed process would, and opens it again.
func (r *rig) reopen() {
	res := r.r
	r.r = nil
	if r.s.Crash != nil {
		r.ok(r.s.Crash(res), "crash")
	} else {
		r.ok(res.Close(r.ctx), "close")
	}
	r.open()
}

// branch names the next branch of coordinator 1.
func (r *rig) branch() participant.Branch {
	r.next++
	return participant.Branch{
		ID: txc.ID{Coordinator: 1, Epoch: 3, Sequence: r.next}, Mark: 0xfeed, Cluster: r.s.Cluster, Participant: r.s.Participant,
		Age: 1_000_000 + r.next, Members: []string{r.s.Participant, "somebody-else"},
		Seen: participant.Seen{Coordinator: 1, Epoch: 3, Mark: 0xfeed, LSN: 100 + r.next},
	}
}

// blocking is the resource by the way that is tested.
func (r *rig) blocking() participant.Resource {
	if b, ok := r.r.(participant.Batcher); ok && r.submit {
		return submitting{Resource: r.r, b: b}
	}
	return r.r
}

func (r *rig) prepare(b participant.Branch, work []byte) participant.Promise {
	p, err := r.blocking().Prepare(r.ctx, b, work, false)
	r.ok(err, "prepare "+b.ID.String())
	if p.Vote == txc.No && p.Reason.IsZero() {
		r.failf("prepare %s: No without a reason", b.ID)
	}
	if len(p.Evidence) > txc.MaxEvidence || len(p.Results) > txc.MaxBranchRes {
		r.failf("prepare %s: %d bytes of evidence, %d of results: too many", b.ID, len(p.Evidence), len(p.Results))
	}
	return p
}

// promise prepares a branch that sets a value.
func (r *rig) promise(key, value string) (participant.Branch, participant.Promise) {
	b := r.branch()
	p := r.prepare(b, r.s.Write(key, value))
	if p.Vote != txc.Yes {
		r.failf("prepare %s: %v (%v), want yes", b.ID, p.Vote, p.Reason)
	}
	return b, p
}

func (r *rig) commit(b participant.Branch, evidence []byte, want ...txc.Fate) {
	f, err := r.blocking().Commit(r.ctx, b, evidence)
	r.ok(err, "commit "+b.ID.String())
	r.among("commit", b, f, want)
}

func (r *rig) abort(b participant.Branch, evidence []byte, want ...txc.Fate) {
	f, err := r.blocking().Abort(r.ctx, b, evidence)
	r.ok(err, "abort "+b.ID.String())
	r.among("abort", b, f, want)
}

func (r *rig) among(verb string, b participant.Branch, got txc.Fate, want []txc.Fate) {
	for _, f := range want {
		if got == f {
			return
		}
	}
	r.failf("%s %s: %v, want %v", verb, b.ID, got, want)
}

// written sets a value by a whole transaction.
func (r *rig) written(key, value string) participant.Branch {
	b, p := r.promise(key, value)
	r.commit(b, p.Evidence, txc.CommittedNow)
	return b
}

const absent = "(absent)"

func (r *rig) value(key, want string) {
	v, found, err := r.s.Value(r.r, key)
	r.ok(err, "read "+key)
	if !found {
		v = absent
	}
	if v != want {
		r.failf("%s is %q, want %q", key, v, want)
	}
}

// inDoubt lists the branches that the store shows.
func (r *rig) inDoubt() map[participant.Proof]participant.InDoubt {
	all := map[participant.Proof]participant.InDoubt{}
	for d, err := range r.r.InDoubt(r.ctx) {
		r.ok(err, "list what is in doubt")
		k := participant.Proof{ID: d.ID, Mark: d.Mark}
		if _, twice := all[k]; twice {
			r.failf("%s is listed twice", d.ID)
		}
		all[k] = d
	}
	return all
}

func key(b participant.Branch) participant.Proof { return participant.Proof{ID: b.ID, Mark: b.Mark} }

// doubtful checks that exactly these branches are in doubt.
func (r *rig) doubtful(want ...participant.Branch) {
	all := r.inDoubt()
	for _, b := range want {
		if _, ok := all[key(b)]; !ok {
			r.failf("%s is not listed as in doubt", b.ID)
		}
	}
	if len(all) != len(want) {
		r.failf("%d branches in doubt, want %d: %v", len(all), len(want), all)
	}
}

func (r *rig) committed(from txc.ID) map[participant.Proof]bool {
	all := map[participant.Proof]bool{}
	for p, err := range r.r.Committed(r.ctx, from) {
		r.ok(err, "list what committed")
		if p.ID.Coordinator == from.Coordinator && p.ID.Compare(from) < 0 {
			r.failf("committed from %s: %s is below", from, p.ID)
		}
		all[p] = true
	}
	return all
}

func (r *rig) recall() participant.Memory {
	m, err := r.r.Recall(r.ctx)
	r.ok(err, "recall")
	return m
}
