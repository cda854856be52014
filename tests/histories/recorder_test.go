package histories_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/history"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// recorder holds a history. It is safe for concurrent use.
type recorder struct {
	began time.Time // all times are since then, on the monotonic clock

	mu      sync.Mutex
	txs     []*recorded
	element int    // the last one given out
	flying  []keys // the latest keyed transactions, for observers
	seen    []observation
	odd     []string
}

// recorded is a transaction on lists.
type recorded struct {
	history.Tx
	entry campaign.Entry // what to ask by, where its end was not heard
}

// keys are the names of one keyed transaction.
type keys struct{ key, id string } // id: "" until somebody has heard it

func newRecorder() *recorder { return &recorder{began: time.Now()} }

func (r *recorder) now() time.Duration { return time.Since(r.began) }

// elements gives n new ones.
func (r *recorder) elements(n int) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]int, n)
	for i := range all {
		r.element++
		all[i] = r.element
	}
	return all
}

// given is how many elements were given out.
func (r *recorder) given() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.element
}

// add writes a transaction down. The name is its key, or a number for those that have none.
func (r *recorder) add(key string, begin time.Duration, told campaign.Told, ops []history.Op) {
	end := r.now()
	t := &recorded{Tx: history.Tx{Name: key, Begin: begin, End: end, Ops: ops}}
	t.entry = campaign.Entry{Transfer: campaign.Transfer{Key: key}, Heard: told.Heard, ID: told.ID, Why: told.Why}
	t.settle(told.Heard, end)
	r.mu.Lock()
	defer r.mu.Unlock()
	if key == "" {
		t.Name = fmt.Sprintf("read-%d", len(r.txs))
	}
	r.txs = append(r.txs, t)
	if told.Odd != "" {
		r.odd = append(r.odd, t.Name+": "+told.Odd)
	}
}

func (t *recorded) settle(heard campaign.Heard, at time.Duration) {
	t.End = at
	switch heard {
	case campaign.Committed:
		t.Status = history.Committed
	case campaign.Aborted:
		t.Status = history.Aborted
	default:
		t.Status, t.End = history.Unknown, history.Forever
	}
}

// unknown are the transactions with a key whose end nobody has heard.
func (r *recorder) unknown() (all []*recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.txs {
		if t.Status == history.Unknown && t.entry.Key != "" {
			all = append(all, t)
		}
	}
	return all
}

// history is everything, as it is known now.
func (r *recorder) history() []history.Tx {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]history.Tx, len(r.txs))
	for i, t := range r.txs {
		all[i] = t.Tx
	}
	return all
}

func (r *recorder) oddity(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.odd = append(r.odd, fmt.Sprintf(format, args...))
}

// latest is how many keyed transactions observers choose from: those that run, and as many that have just ended.
const latest = 24

// begins and observe keep what is known of keyed transactions' ends.
func (r *recorder) begins(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying = append(r.flying, keys{key: key})
	r.flying = r.flying[max(0, len(r.flying)-latest):]
}

// choose gives the nth of the latest; false: there is none yet.
func (r *recorder) choose(n int) (keys, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.flying) == 0 {
		return keys{}, false
	}
	return r.flying[n%len(r.flying)], true
}

// observe notes an answer that says something.
func (r *recorder) observe(o observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.flying {
		if r.flying[i].key == o.key && o.id != "" {
			r.flying[i].id = o.id
		}
	}
	if o.says != nothing {
		r.seen = append(r.seen, o)
	}
}

// watched is a runner whose keyed transactions are observed: its own answer is an observation too.
type watched struct {
	campaign.Runner
	*recorder
}

func (w watched) Run(ctx context.Context, key string, work map[string][]campaign.Op) campaign.Told {
	if key == "" {
		return w.Runner.Run(ctx, key, work)
	}
	w.begins(key)
	begin := w.now()
	told := w.Runner.Run(ctx, key, work)
	o := observation{key: key, id: told.ID, begin: begin, end: w.now()}
	switch {
	case told.Heard == campaign.Committed:
		o.says = committed
	case told.Heard == campaign.Aborted && told.ID != "":
		o.says = aborted
	case told.Heard == campaign.Aborted:
		o.says = free
	}
	w.observe(o)
	return told
}

// readsOf are what a committed transaction read, by key.
func readsOf(told campaign.Told) map[string]procs.Read {
	all := map[string]procs.Read{}
	for _, reads := range told.Reads {
		for _, r := range reads {
			all[r.Key] = r
		}
	}
	return all
}
