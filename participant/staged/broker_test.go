package staged_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/resourcetest"
	"github.com/txc-dev/txc/participant/staged"
)

const (
	cluster = "test"
	events  = "events"
	nowhere = "nowhere" // an address that no broker of these tests has
)

var errAway = errors.New("the broker is away")

// queue is a broker in memory, which outlives the stores that publish to it.
type queue struct {
	mu        sync.Mutex
	there     []staged.Message
	known     map[string]bool // ids inside its window
	away      bool
	lostAck   bool   // it takes everything, and its acknowledgements are lost
	published int    // calls
	when      func() // of each Publish, before anything is taken
	slow      int    // it takes so many messages in the time that it is given; 0: all
	findings  []participant.Finding
	closed    int
}

func newQueue() *queue { return &queue{known: map[string]bool{}} }

func (q *queue) Validate(ctx context.Context, all []staged.Message) (txc.Reason, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away {
		return txc.Reason{}, errAway
	}
	for _, m := range all {
		if m.To == nowhere {
			return txc.Reason{Code: txc.CodeRefused, Text: "no such queue"}, nil
		}
	}
	return txc.Reason{}, ctx.Err()
}

func (q *queue) Publish(ctx context.Context, all []staged.Message) (int, error) {
	q.mu.Lock()
	when := q.when
	q.mu.Unlock()
	if when != nil {
		when()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.published++
	if q.away || ctx.Err() != nil {
		return 0, errors.Join(errAway, ctx.Err())
	}
	for i, m := range all {
		if q.slow > 0 && i == q.slow {
			return i, context.DeadlineExceeded
		}
		if !q.known[m.ID] {
			q.there = append(q.there, m)
		}
		if q.known != nil {
			q.known[m.ID] = true
		}
	}
	if q.lostAck {
		return 0, errAway
	}
	return len(all), nil
}

func (q *queue) Report(context.Context) (participant.Report, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := participant.Report{Kind: "queue", Version: "1", Findings: q.findings}
	if q.away {
		return r, errAway
	}
	return r, nil
}

func (q *queue) Close(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed++
	return nil
}

func (q *queue) set(f func(q *queue)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f(q)
}

// bodies are what consumers see, in order.
func (q *queue) bodies(to string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []string
	for _, m := range q.there {
		if m.To == to {
			all = append(all, string(m.Body))
		}
	}
	return all
}

// count is how often Publish was called.
func (q *queue) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.published
}

func work(t testing.TB, all ...*txcpb.Publication) []byte {
	t.Helper()
	w, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Publish{Publish: &txcpb.PublishWork{Messages: all}}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func publication(to, body string) *txcpb.Publication {
	return &txcpb.Publication{To: to, Body: []byte(body)}
}

func open(t testing.TB, dir string, q *queue) *staged.Store {
	t.Helper()
	s, err := staged.Open(t.Context(), dir, q, staged.Options{Cluster: cluster, Name: events, Ballast: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestResource(t *testing.T) {
	resourcetest.Run(t, func(t *testing.T) *resourcetest.Store {
		dir, q := t.TempDir(), newQueue()
		return &resourcetest.Store{
			Cluster: cluster, Participant: events,
			Open: func() (participant.Resource, error) {
				return staged.Open(t.Context(), dir, q, staged.Options{Cluster: cluster, Name: events, Ballast: -1, MinFree: 1})
			},
			Write:  func(key, value string) []byte { return work(t, publication(key, value)) },
			Refuse: func(key string) []byte { return work(t, publication(key, "v"), publication(nowhere, "v")) },
			Broken: []byte("not work"),
			Value: func(_ participant.Resource, key string) (string, bool, error) {
				all := q.bodies(key)
				if len(all) == 0 {
					return "", false, nil
				}
				return all[len(all)-1], true, nil
			},
		}
	})
}

func branch(n uint64) participant.Branch {
	return participant.Branch{
		ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: n}, Mark: 7, Cluster: cluster, Participant: events, Members: []string{events, "bank"},
		Seen: participant.Seen{Coordinator: 1, Epoch: 1, Mark: 7, LSN: n},
	}
}

func promise(t testing.TB, s *staged.Store, b participant.Branch, bodies ...string) participant.Promise {
	t.Helper()
	var all []*txcpb.Publication
	for _, body := range bodies {
		all = append(all, publication("q", body))
	}
	p, err := s.Prepare(t.Context(), b, work(t, all...), false)
	if err != nil || p.Vote != txc.Yes {
		t.Fatalf("vote %v %v, %v", p.Vote, p.Reason, err)
	}
	return p
}

func commit(t testing.TB, s *staged.Store, b participant.Branch, evidence []byte, want txc.Fate) {
	t.Helper()
	if f, err := s.Commit(t.Context(), b, evidence); err != nil || f != want {
		t.Fatalf("commit: %v, %v; want %v", f, err, want)
	}
}

func wants(t testing.TB, q *queue, bodies ...string) {
	t.Helper()
	if got := q.bodies("q"); !slices.Equal(got, bodies) {
		t.Fatalf("published %q, want %q", got, bodies)
	}
}
