package stores_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// hungFor is how long any deed may take at a broker that has stopped: what publishing may take, and some more.
const hungFor = staged.DefaultTimeout + 3*time.Second

// hung is a broker that stops without a word, as a machine does that swaps, and its participant.
type hung struct {
	*testing.T
	s    *staged.Store
	to   string // an address
	next func() participant.Branch
}

// within: a deed ends in time, whatever it says.
func (h *hung) within(what string, deed func()) {
	h.Helper()
	began := time.Now()
	deed()
	if took := time.Since(began); took > hungFor {
		h.Errorf("C10: %s took %v", what, took.Round(time.Millisecond))
	}
}

func (h *hung) message(size int) []byte {
	return messages(&txcpb.Publication{To: h.to, Body: []byte(strings.Repeat("x", size))})
}

// run promises more than the buffers between here and there hold, stops the broker, and lets it go on.
func (h *hung) run(freeze, thaw func() error) {
	const branches, size = 40, 250_000
	type promised struct {
		b        participant.Branch
		evidence []byte
	}
	all := make([]promised, branches)
	for i := range all {
		b := h.next()
		p, err := h.s.Prepare(h.Context(), b, h.message(size), false)
		if err != nil || p.Vote != txc.Yes {
			h.Fatal(p.Vote, p.Reason, err)
		}
		all[i] = promised{b, p.Evidence}
	}
	given := h.next()
	up, err := h.s.Prepare(h.Context(), given, h.message(1), false)
	if err != nil || up.Vote != txc.Yes {
		h.Fatal(up.Vote, up.Reason, err)
	}
	if err := freeze(); err != nil {
		h.Fatal(err)
	}
	var running sync.WaitGroup
	for range 2 {
		for _, p := range all {
			running.Go(func() {
				h.within("Commit", func() {
					if f, err := h.s.Commit(h.Context(), p.b, p.evidence); err == nil {
						h.Errorf("commit at a broker that has stopped: %v", f)
					}
				})
			})
		}
		running.Wait()
	}
	h.within("Prepare", func() {
		if p, err := h.s.Prepare(h.Context(), h.next(), h.message(1), false); err != nil || p.Vote != txc.No && p.Vote != txc.Yes {
			h.Error(p.Vote, p.Reason, err)
		}
	})
	h.within("Abort", func() {
		if f, err := h.s.Abort(h.Context(), given, up.Evidence); err != nil || f != txc.AbortedNow {
			h.Error(f, err)
		}
	})
	h.within("InDoubt", func() {
		n := 0
		for _, err := range h.s.InDoubt(h.Context()) {
			if n++; err != nil {
				h.Error(err)
			}
		}
		if n < branches {
			h.Errorf("%d branches are in doubt: %d were promised", n, branches)
		}
	})
	h.within("Check", func() {
		if r, err := h.s.Check(h.Context()); err != nil || !strings.Contains(strings.Join(names(r.Findings), " "), "unreachable") {
			h.Error(r.Findings, err)
		}
	})
	if err := thaw(); err != nil {
		h.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(h.Context(), time.Minute)
	defer cancel()
	for _, p := range all {
		f, err := h.s.Commit(ctx, p.b, p.evidence)
		for err != nil && ctx.Err() == nil {
			f, err = h.s.Commit(ctx, p.b, p.evidence)
		}
		if err != nil || f != txc.CommittedNow {
			h.Errorf("commit when it goes on: %v, %v", f, err)
		}
	}
}

func names(all []participant.Finding) []string {
	var names []string
	for _, f := range all {
		names = append(names, f.Name)
	}
	return names
}

// C10: a NATS server that has stopped, and not died, holds up nobody for longer than publishing may take.
func TestNATSHangs(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t)
	addStream(t, streams(t, server), jetstream.StreamConfig{Name: "events"})
	n := uint64(0)
	h := &hung{T: t, s: openNATS(t, server, t.TempDir(), "events"), to: "events.a", next: func() participant.Branch {
		n++
		return eventBranch("events", n)
	}}
	h.run(server.Freeze, server.Thaw)
}

// C10: nor does a RabbitMQ server.
func TestRabbitHangs(t *testing.T) {
	t.Parallel()
	server := servers.RabbitMQ(t)
	d := &counter{rabbit: newRabbit(t, server), T: t, ctx: t.Context(), name: "hung", dir: t.TempDir()}
	d.queue(d.name, true, quorum)
	(&hung{T: t, s: d.open(""), to: d.name, next: d.branch}).run(server.Freeze, server.Thaw)
}
