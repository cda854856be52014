package histories_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/history"
)

// schedule is a few transactions in an order that gates enforce, on two lists that are empty at first: x at site-a, y at
// site-b.
type schedule struct {
	*town
	*lister
	t     *testing.T
	limit time.Duration // how long a gate holds
}

// Over sound participants what a gate waits for cannot come: it gives way after a while. Over broken ones it comes.
const (
	soundLimit  = 300 * time.Millisecond
	brokenLimit = 20 * time.Second
)

const x, y = 0, 1

func newSchedule(t *testing.T, f flaw) *schedule {
	w := newTown(t, map[string]flaw{"site-a": f, "site-b": f})
	l := &lister{runner: w.Library, rec: newRecorder(), rng: rand.New(rand.NewPCG(1, 1)), names: w.Names()}
	if f == sound {
		return &schedule{w, l, t, soundLimit}
	}
	return &schedule{w, l, t, brokenLimit}
}

// run runs a transaction of these operations: a read checks, and an append puts the whole list. doomed: site-b votes No.
func (s *schedule) run(name string, doomed bool, ops ...history.Op) {
	work, mine := map[string][]campaign.Op{}, map[string][]string{}
	for _, op := range ops {
		list, _ := strconv.Atoi(strings.TrimPrefix(op.Key, "list/"))
		at := s.place(list)
		if !op.Append {
			work[at] = append(work[at], campaign.Op{Check: &campaign.Check{Key: op.Key}}) // it is empty: the key is not there
			continue
		}
		mine[op.Key] = append(mine[op.Key], strconv.Itoa(op.Element))
		work[at] = append(work[at], campaign.Op{Put: &campaign.KeyValue{Key: op.Key, Value: strings.Join(mine[op.Key], " ")}})
	}
	if doomed {
		never := int64(1)
		work["site-b"] = append(work["site-b"], campaign.Op{Add: &campaign.Add{Key: "doom", Min: &never}})
	}
	begin := s.rec.now()
	s.rec.add(name, begin, s.Library.Run(s.t.Context(), name, work), ops)
}

// look reads both lists in one transaction, and reports whether x has something.
func (s *schedule) look() bool { return s.read(s.t.Context(), []int{x, y})[listKey(x)].Found }

// lookUntil looks until x has something, or it has become pointless.
func (s *schedule) lookUntil() {
	for began := time.Now(); time.Since(began) < 2*s.limit && !s.look(); {
	}
}

// gate holds the first request of a kind.
type gate struct {
	verb  participant.Verb
	limit time.Duration
	taken atomic.Bool
	came  chan struct{}
	open  chan struct{}
}

func newGate(v participant.Verb, limit time.Duration) *gate {
	return &gate{verb: v, limit: limit, came: make(chan struct{}), open: make(chan struct{})}
}

func (g *gate) hold(r participant.Request) {
	if r.Verb != g.verb || !g.taken.CompareAndSwap(false, true) {
		return
	}
	close(g.came)
	within(g.limit, g.open)
}

// within waits for a signal, but not for longer than that.
func within(limit time.Duration, signal <-chan struct{}) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-signal:
	case <-timer.C:
	}
}

// meeting holds requests of a kind until two are there.
func meeting(v participant.Verb, limit time.Duration) func(participant.Request) {
	var came atomic.Int32
	both := make(chan struct{})
	return func(r participant.Request) {
		if r.Verb != v {
			return
		}
		if came.Add(1) == 2 {
			close(both)
		}
		within(limit, both)
	}
}

// writeSkew: each reads what the other writes, and both are prepared before either is carried out.
func writeSkew(s *schedule) {
	for _, site := range []string{"site-a", "site-b"} {
		s.stores[site].holding(meeting(participant.VerbCommit, s.limit))
	}
	var both sync.WaitGroup
	both.Go(func() { s.run("T1", false, history.Read(listKey(x)), history.Append(listKey(y), 1)) })
	both.Go(func() { s.run("T2", false, history.Read(listKey(y)), history.Append(listKey(x), 2)) })
	both.Wait()
}

// behind runs a transaction on both lists that is held at site-b, and looks at them in the meantime.
func (s *schedule) behind(v participant.Verb, doomed bool) {
	g := newGate(v, s.limit)
	s.stores["site-b"].holding(g.hold)
	var done sync.WaitGroup
	done.Go(func() {
		s.run("T1", doomed, history.Append(listKey(x), 1), history.Append(listKey(y), 2))
	})
	within(brokenLimit, g.came)
	s.lookUntil()
	close(g.open)
	done.Wait()
}

func readBetweenCommits(s *schedule)  { s.behind(participant.VerbCommit, false) }
func readBetweenPrepares(s *schedule) { s.behind(participant.VerbPrepare, false) }

// readBeforeAbort: what is seen of the transaction never happens.
func readBeforeAbort(s *schedule) { s.behind(participant.VerbPrepare, true) }

// updateTwice: the second transaction, too, takes the list for empty.
func updateTwice(s *schedule) {
	s.run("T1", false, history.Read(listKey(x)), history.Append(listKey(x), 1))
	s.run("T2", false, history.Read(listKey(x)), history.Append(listKey(x), 2))
}
