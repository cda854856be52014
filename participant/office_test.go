package participant_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

var quietly = slog.New(slog.NewTextHandler(io.Discard, nil))

// hooked is a store with a hand on every deed.
type hooked struct {
	*Toy
	before func(ctx context.Context, deed string, b participant.Branch) error // an error is given in its place
	report participant.Report
}

func (h *hooked) hook(ctx context.Context, deed string, b participant.Branch) error {
	if h.before == nil {
		return nil
	}
	return h.before(ctx, deed, b)
}

func (h *hooked) Prepare(ctx context.Context, b participant.Branch, work []byte, joined bool) (participant.Promise, error) {
	if err := h.hook(ctx, "prepare", b); err != nil {
		return participant.Promise{}, err
	}
	if joined {
		work = []byte("joined=yes")
	}
	return h.Toy.Prepare(ctx, b, work, false)
}

func (h *hooked) Commit(ctx context.Context, b participant.Branch, evidence []byte) (txc.Fate, error) {
	if err := h.hook(ctx, "commit", b); err != nil {
		return 0, err
	}
	return h.Toy.Commit(ctx, b, evidence)
}

func (h *hooked) Remember(ctx context.Context, m participant.Memory) error {
	if err := h.hook(ctx, "remember", participant.Branch{}); err != nil {
		return err
	}
	return h.Toy.Remember(ctx, m)
}

func (h *hooked) Check(context.Context) (participant.Report, error) { return h.report, nil }

// Join and Leave make it a Joiner: what calls do is no business of these tests.
func (h *hooked) Join(ctx context.Context, b participant.Branch) (context.Context, error) {
	return ctx, h.hook(ctx, "join", b)
}

func (h *hooked) Leave(ctx context.Context, b participant.Branch, _ error) error {
	return h.hook(ctx, "leave", b)
}

// office plays a coordinator: it answers registrations and questions, and holds one link at a time.
type office struct {
	t     *testing.T
	us    *protocol.Sender
	heard chan participant.Message
	up    chan bool

	mu         sync.Mutex
	refuse     int // registrations to be refused before one is taken
	registered []participant.Peer
	asked      int
	outcome    txc.Outcome
	link       *participant.Link
}

func newOffice(t *testing.T) *office {
	return &office{
		t: t, us: &protocol.Sender{Cluster: "txc", Coordinator: 1, Epoch: 7, Mark: 70, LSN: 1},
		heard: make(chan participant.Message, 1024),
	}
}

func (o *office) Register(_ context.Context, p participant.Peer) (participant.Opening, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse > 0 {
		o.refuse--
		return participant.Opening{}, errors.New("not now")
	}
	o.registered = append(o.registered, p)
	return *o.us, nil
}

func (o *office) Inquire(context.Context, participant.Question) (participant.Decision, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	return participant.Decision{Outcome: o.outcome, From: *o.us}, nil
}

func (o *office) decide(outcome txc.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.outcome = outcome
}

func (o *office) counts() (registered, asked int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.registered), o.asked
}

// dial makes a link, says hello, and waits for the welcome.
func (o *office) dial(a *participant.Agent) protocol.Welcome {
	o.t.Helper()
	ups := make(chan bool, 2)
	o.up = ups
	o.link = participant.InProcess(a, func(up bool, batch []participant.Message) {
		if len(batch) == 0 {
			ups <- up
		}
		for _, m := range batch {
			o.heard <- m
		}
	})
	if !<-o.up {
		o.t.Fatal("the link was lost")
	}
	o.say(0, protocol.Hello{})
	return expect[protocol.Welcome](o)
}

func (o *office) say(sequence uint64, body protocol.Body) {
	o.t.Helper()
	m := participant.Message{From: o.us, Body: body}
	if sequence > 0 {
		m.ID, m.Mark = txc.ID{Coordinator: 1, Epoch: 7, Sequence: sequence}, 70
	}
	if !o.link.Send([]participant.Message{m}) {
		o.t.Fatal("the link takes nothing")
	}
}

// prepare asks for a promise of work.
func (o *office) prepare(a *participant.Agent, sequence uint64, work string) {
	o.t.Helper()
	o.say(sequence, protocol.Prepare{Incarnation: a.Incarnation(), TimeLeft: 2 * time.Second, Members: []string{"toy"}, Work: []byte(work)})
}

// expect takes the next message, which must be a B.
func expect[B protocol.Body](o *office) B {
	o.t.Helper()
	m := <-o.heard
	b, ok := m.Body.(B)
	if !ok {
		o.t.Fatalf("got %s, want %T", protocol.Transcript(m.Body), b)
	}
	return b
}

// toyAt opens the store of a test.
func toyAt(t *testing.T, dir string) *Toy {
	t.Helper()
	toy, err := OpenToy(filepath.Join(dir, "toy.json"))
	if err != nil {
		t.Fatal(err)
	}
	return toy
}

// open starts an agent on it.
func open(t *testing.T, store participant.Resource, o participant.Options, coordinators ...participant.Coordinator) *participant.Agent {
	t.Helper()
	o.Name, o.Logger = "toy", quietly
	a, err := participant.Open(t.Context(), store, coordinators, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func shut(t *testing.T, a *participant.Agent) {
	t.Helper()
	if err := a.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
}
