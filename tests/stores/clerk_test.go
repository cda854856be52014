package stores_test

import (
	"context"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// clerk is one case over an SQL database: a participant, and a table of its own that has its name, k and v.
type clerk struct {
	*testing.T
	ctx   context.Context
	name  string
	first string // how a statement spells its first argument
	next  uint64
}

func (c *clerk) branch() participant.Branch {
	c.next++
	return participant.Branch{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: c.next}, Mark: 7, Cluster: "test", Participant: c.name, Members: []string{c.name}, Age: 1<<63 + c.next}
}

func (c *clerk) write(k string) []byte {
	return work(exec("update "+c.name+" set v = v + 1 where k = "+c.first, 1, text(k)))
}

func (c *clerk) promise(s participant.Resource, k string) (participant.Branch, []byte) {
	c.Helper()
	b := c.branch()
	p, err := s.Prepare(c.ctx, b, c.write(k), false)
	if err != nil || p.Vote != txc.Yes {
		c.Fatalf("%v %v %v", p.Vote, p.Reason, err)
	}
	return b, p.Evidence
}

// inDoubt lists; after the server was killed the store's sessions have to learn of it first, which is unknown, not wrong.
func (c *clerk) inDoubt(s participant.Resource) []participant.InDoubt {
	c.Helper()
	for {
		var all []participant.InDoubt
		var failed error
		for b, err := range s.InDoubt(c.ctx) {
			all, failed = append(all, b), err
		}
		if failed == nil {
			return all
		}
		if c.ctx.Err() != nil {
			c.Fatal(failed)
		}
	}
}

// abort aborts, likewise.
func (c *clerk) abort(s participant.Resource, b participant.Branch) {
	c.Helper()
	f, err := s.Abort(c.ctx, b, nil)
	for err != nil && c.ctx.Err() == nil {
		f, err = s.Abort(c.ctx, b, nil)
	}
	c.fate(f, err, txc.AbortedNow)
}

func (c *clerk) fate(got txc.Fate, err error, want txc.Fate) {
	c.Helper()
	if err != nil || got != want {
		c.Errorf("%v, %v, want %v", got, err, want)
	}
}

// vote is what a Prepare that ran beside has given.
type vote struct {
	participant.Promise
	err error
}

func (c *clerk) no(p participant.Promise, err error) {
	c.Helper()
	if err != nil || p.Vote != txc.No {
		c.Errorf("%v %v, want No", p, err)
	}
}

// blocked: no other branch gets through, and it is told so within its time.
func (c *clerk) blocked(s participant.Resource, k string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 100*time.Millisecond)
	defer cancel()
	p, err := s.Prepare(ctx, c.branch(), c.write(k), false)
	if err != nil || p.Vote != txc.No || !p.Reason.Retryable {
		c.Errorf("%v %+v %v", p.Vote, p.Reason, err)
	}
}
