package resourcetest_test

import (
	"context"
	"errors"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// calls is what the toy has of a branch that calls work on: in memory, or, with a fault, on its shelf.
type calls struct {
	key, value string
	doomed     bool
}

type callKey struct{}

// toyCall is one call.
type toyCall struct {
	y    *toy
	n    name
	over bool
}

func (y *toy) open() map[name]*calls {
	if y.does("keeps open branches over its end") {
		return y.s.open
	}
	if y.calls == nil {
		y.calls = map[name]*calls{}
	}
	return y.calls
}

func (y *toy) Join(ctx context.Context, b participant.Branch) (context.Context, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	n := y.name(b)
	if y.open()[n] == nil {
		y.open()[n] = &calls{}
	}
	return context.WithValue(ctx, callKey{}, &toyCall{y: y, n: n}), nil
}

func (y *toy) Leave(ctx context.Context, b participant.Branch, failed error) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	ctx.Value(callKey{}).(*toyCall).over = true
	if c := y.open()[y.name(b)]; c != nil && failed != nil && !y.does("promises after a call that failed") {
		c.doomed = true
	}
	return nil
}

// toyWrite is what a call's own code does.
func toyWrite(ctx context.Context, key, value string) error {
	call := ctx.Value(callKey{}).(*toyCall)
	call.y.mu.Lock()
	defer call.y.mu.Unlock()
	c := call.y.open()[call.n]
	if c == nil || call.over && !call.y.does("lets a call write that has returned") {
		return errors.New("the call has returned")
	}
	if c.key == "" || !call.y.does("takes the first call's word alone") {
		c.key, c.value = key, value
	}
	if call.y.does("shows what calls have written") {
		call.y.s.data[key] = value
	}
	return nil
}

// closing is Prepare of what calls have done; y.mu is held.
func (y *toy) closing(b participant.Branch) participant.Promise {
	n := y.name(b)
	c := y.open()[n]
	delete(y.open(), n)
	if c == nil && y.does("promises what no call has opened") {
		c = &calls{}
	}
	if c == nil || c.doomed {
		return participant.Promise{Vote: txc.No, Reason: txc.Reason{Code: txc.CodeAbortOnly, Text: "no"}}
	}
	y.promise(n, promise{B: b, Key: c.key, New: c.value, Since: time.Now()})
	return participant.Promise{Vote: txc.Yes, Evidence: []byte("promised")}
}
