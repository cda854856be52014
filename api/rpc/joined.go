package rpc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/internal/protocol"
)

// Joined work travels beside a service's own calls, as metadata in lower-case ASCII.
const (
	headerTx       = "txc-tx" // <id>.<mark>
	headerCluster  = "txc-cluster"
	headerBranch   = "txc-branch" // <participant>/<incarnation>/<completed calls>; in the trailer too, once per branch touched
	headerAge      = "txc-age"
	headerTimeLeft = "txc-time-left-ms"
	headerDoomed   = "txc-abort-only" // trailer: a code
	headerAttempts = "grpc-previous-rpc-attempts"
)

// Journey is a transaction on its way through services: each call that is made with its context takes part, and says
// which branches it touched, its callees' included. Its methods are safe for concurrent use; calls to one participant
// must come one after the other, for each must bear how many were completed before it.
type Journey struct {
	Cluster string // empty: not said
	ID      txc.ID
	Mark    uint64
	Age     uint64
	Until   time.Time // the transaction's own deadline

	mu       sync.Mutex
	branches map[string]protocol.Enlistment
	running  int
	closed   bool
	doomed   error
}

type journeyKey struct{}

// With gives a context whose calls take part in the transaction, where the connection has the interceptor JoinCalls.
func (j *Journey) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, journeyKey{}, j)
}

func journeyOf(ctx context.Context) *Journey {
	j, _ := ctx.Value(journeyKey{}).(*Journey)
	return j
}

// Close ends the journey: no further call may take part. It gives the branches to enlist, in the order of their names; the
// error wraps txc.ErrAborted where a call had failed or still runs, and then the transaction must be aborted, at those
// branches too.
func (j *Journey) Close() ([]frame.Branch, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	if j.running > 0 {
		j.doom("a call of the transaction still runs")
	}
	var all []frame.Branch
	for _, name := range slices.Sorted(maps.Keys(j.branches)) {
		e := j.branches[name]
		all = append(all, frame.Branch{Participant: name, Joined: true, Calls: e.Calls, Incarnation: e.Incarnation})
	}
	return all, j.doomed
}

// Doomed says why the transaction can only abort, as Close will; nil: nothing has doomed it so far.
func (j *Journey) Doomed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.doomed
}

// doom makes the transaction one that can only abort; the first reason stays.
func (j *Journey) doom(format string, a ...any) { j.doomAs(txc.CodeAbortOnly, format, a...) }

func (j *Journey) doomAs(code txc.Code, format string, a ...any) {
	if j.doomed == nil {
		j.doomed = txc.Refuse(txc.ErrAborted, code, fmt.Sprintf(format, a...))
	}
}

// given is the code that a called service gave the transaction up with: some say that a new try may succeed.
func given(trailer metadata.MD) txc.Code {
	for _, text := range trailer.Get(headerDoomed) {
		if code := txc.Code(text); code.Abort() {
			return code
		}
	}
	return txc.CodeAbortOnly
}

// begin lets a call in and gives its metadata.
func (j *Journey) begin() ([]string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	left := time.Until(j.Until)
	switch {
	case j.closed:
		return nil, txc.Refuse(txc.ErrInvalid, txc.CodeAbortOnly, "the transaction has ended: no call can join it")
	case j.doomed != nil:
		return nil, j.doomed
	case left <= 0:
		j.doom("no time was left for a call")
		return nil, j.doomed
	}
	j.running++
	pairs := []string{
		headerTx, j.ID.String() + "." + txc.FormatMark(j.Mark), headerAge, strconv.FormatUint(j.Age, 10),
		headerTimeLeft, strconv.FormatInt(left.Milliseconds(), 10),
	}
	if j.Cluster != "" {
		pairs = append(pairs, headerCluster, j.Cluster)
	}
	for name, e := range j.branches {
		pairs = append(pairs, headerBranch, formatBranch(name, e))
	}
	return pairs, nil
}

// end takes what a call's trailer says. A call that failed, or did not say what it touched, dooms the transaction.
func (j *Journey) end(trailer metadata.MD, failed error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running--
	switch {
	case failed != nil:
		j.doomAs(given(trailer), "a call of the transaction failed: %v", failed)
	case len(trailer.Get(headerDoomed)) > 0:
		j.doomAs(given(trailer), "a service has given the transaction up: %s", trailer.Get(headerDoomed)[0])
	case len(trailer.Get(headerBranch)) == 0:
		j.doom("a called service does not take part in transactions")
	}
	for _, text := range trailer.Get(headerBranch) {
		name, e, err := parseBranch(text)
		if err != nil {
			j.doom("a called service said what cannot be read: %v", err)
			return
		}
		j.touch(name, e)
	}
}

func (j *Journey) touch(name string, e protocol.Enlistment) {
	if j.branches == nil {
		j.branches = map[string]protocol.Enlistment{}
	}
	old, ok := j.branches[name]
	switch {
	case !ok && len(j.branches) == txc.MaxBranches:
		j.doom("more than %d participants were called", txc.MaxBranches)
	case ok && old.Incarnation != e.Incarnation:
		j.doom("%s has started anew since it was called first", name)
	case e.Calls > old.Calls:
		j.branches[name] = e
	}
}

func formatBranch(name string, e protocol.Enlistment) string {
	return name + "/" + strconv.FormatUint(e.Incarnation, 10) + "/" + strconv.FormatUint(uint64(e.Calls), 10)
}

func parseBranch(s string) (name string, e protocol.Enlistment, err error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return "", e, fmt.Errorf("%w: %q is not participant/incarnation/calls", txc.ErrInvalid, s)
	}
	if err := txc.CheckParticipant(parts[0]); err != nil {
		return "", e, err
	}
	incarnation, err1 := strconv.ParseUint(parts[1], 10, 64)
	calls, err2 := strconv.ParseUint(parts[2], 10, 32)
	e = protocol.Enlistment{Incarnation: incarnation, Calls: uint32(calls)}
	if err1 != nil || err2 != nil || formatBranch(parts[0], e) != s { // one spelling, as for ids
		return "", protocol.Enlistment{}, fmt.Errorf("%w: %q is not participant/incarnation/calls", txc.ErrInvalid, s)
	}
	return parts[0], e, nil
}

// journeyFrom reads a call's metadata; nil: the call takes part in no transaction.
func journeyFrom(md metadata.MD) (*Journey, error) {
	tx := md.Get(headerTx)
	if len(tx) == 0 {
		return nil, nil
	}
	p, err := frame.ParseProof(tx[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", headerTx, err)
	}
	one := func(name string) string {
		if v := md.Get(name); len(v) > 0 {
			return v[0]
		}
		return ""
	}
	left, err := strconv.ParseUint(one(headerTimeLeft), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %q is not a number of milliseconds", txc.ErrInvalid, headerTimeLeft, one(headerTimeLeft))
	}
	age, err := strconv.ParseUint(one(headerAge), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %q is not an age", txc.ErrInvalid, headerAge, one(headerAge))
	}
	j := &Journey{Cluster: one(headerCluster), ID: p.ID, Mark: p.Mark, Age: age, Until: time.Now().Add(time.Duration(left) * time.Millisecond)}
	for _, text := range md.Get(headerBranch) {
		name, e, err := parseBranch(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", headerBranch, err)
		}
		j.touch(name, e)
	}
	return j, j.doomed
}

func timeLeft(j *Journey) time.Duration { return max(time.Until(j.Until), 0) }
