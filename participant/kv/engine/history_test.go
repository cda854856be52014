package engine_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv/engine"
)

var (
	histories = flag.Int("histories", 150, "random histories to run")
	firstSeed = flag.Uint64("history", 0, "the first seed")
)

// world is two stores and one faultless coordinator, whose messages are late, lost and repeated at random, while the
// stores crash and lose power.
type world struct {
	t     *testing.T
	rnd   *rand.Rand
	now   time.Time
	tick  int // counts steps: the real time of the history
	sites [2]*site
	txs   []*trans
	lost  string // what a store showed and does not know any more
}

// trans is one transaction of the history.
type trans struct {
	seq, age     uint64
	ops          [2][]engine.Op
	joined       bool // its operations come one by one, as calls
	branches     int
	began, ended int // ticks; ended 0: not decided
	outcome      txc.Outcome
	part         [2]struct {
		sent, voted, done bool
		calling           bool // a call has no answer yet
		calls             int  // that were answered, its opening included
		since             time.Time
		vote              txc.Vote
		reads             map[string]uint64
	}
}

func (w *world) begin() {
	x := &trans{seq: uint64(len(w.txs) + 1), began: w.tick, joined: w.rnd.IntN(3) == 0}
	x.age = x.seq
	if w.rnd.IntN(4) == 0 && len(w.txs) > 0 { // a retry keeps its age
		x.age = w.txs[w.rnd.IntN(len(w.txs))].age
	}
	for i := range x.ops {
		if w.rnd.IntN(4) == 0 {
			continue
		}
		for range 1 + w.rnd.IntN(3) {
			key := fmt.Sprintf("%c%d", 'a'+i, w.rnd.IntN(3))
			if w.rnd.IntN(2) == 0 {
				x.ops[i] = append(x.ops[i], get(key))
			} else {
				x.ops[i] = append(x.ops[i], put(key, fmt.Sprint(x.seq)))
			}
		}
		x.branches++
	}
	if x.branches > 0 {
		w.txs = append(w.txs, x)
	}
}

func (x *trans) branch(i int) participant.Branch {
	return participant.Branch{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: x.seq}, Mark: 1, Cluster: cluster,
		Participant: fmt.Sprint("s", i), Age: x.age, MayRelease: x.branches == 1}
}

// send delivers what a branch may get now: its Prepare once, its decision as often as it takes.
func (w *world) send(x *trans, i int) {
	p := &x.part[i]
	s := w.sites[i]
	if x.ops[i] == nil || p.done {
		return
	}
	switch {
	case x.joined && x.outcome == txc.Undecided:
		w.call(x, i)
	case !p.sent && x.outcome == txc.Undecided:
		p.sent, p.since = true, w.now
		s.ask(participant.Request{Verb: participant.VerbPrepare, Branch: x.branch(i), Work: work(w.t, x.ops[i]...)}, func(r participant.Reply) {
			if p.voted || r.Err != nil {
				return
			}
			p.voted, p.vote = true, r.Promise.Vote
			p.reads = reads(w.t, r.Promise.Results)
			w.decide(x)
		})
	case x.outcome == txc.Committed && p.vote.Promises():
		s.ask(participant.Request{Verb: participant.VerbCommit, Branch: x.branch(i), Relaxed: w.rnd.IntN(2) == 0}, func(r participant.Reply) {
			if r.Err == nil && !r.Fate.Applied() {
				w.lost = fmt.Sprintf("%d at %d: commit is answered by %v", x.seq, i, r.Fate)
			}
			p.done = p.done || r.Fate.Applied()
		})
	case x.outcome != txc.Undecided:
		s.ask(participant.Request{Verb: participant.VerbAbort, Branch: x.branch(i)}, func(r participant.Reply) {
			p.done = p.done || r.Fate == txc.AbortedNow
		})
	}
}

// call sends the next call of a branch, or its Prepare after the last.
func (w *world) call(x *trans, i int) {
	p, s := &x.part[i], w.sites[i]
	if p.calling || p.voted {
		return
	}
	name := engine.Name{ID: x.branch(i).ID, Mark: x.branch(i).Mark}
	last := p.calls > len(x.ops[i])
	p.sent, p.calling, p.since = true, true, w.now
	done := func(r participant.Reply) {
		if p.calling = false; r.Err != nil {
			return
		}
		if last || r.Promise.Vote == txc.No {
			p.voted, p.vote = true, r.Promise.Vote
			w.decide(x)
			return
		}
		p.calls++
		for key, v := range reads(w.t, r.Promise.Results) {
			if _, ok := p.reads[key]; !ok && v != x.seq {
				if p.reads == nil {
					p.reads = map[string]uint64{}
				}
				p.reads[key] = v
			}
		}
	}
	switch {
	case last:
		s.ask(participant.Request{Verb: participant.VerbPrepare, Branch: x.branch(i), Joined: true}, done)
	case p.calls == 0:
		s.post(func(n uint64) engine.Event { return &engine.Begin{N: n, Branch: x.branch(i)} }, done)
	default:
		s.post(func(n uint64) engine.Event {
			return &engine.Do{N: n, Name: name, Ops: x.ops[i][p.calls-1 : p.calls : p.calls]}
		}, done)
	}
}

// reads are the versions that a branch saw of what others wrote.
func reads(t *testing.T, b []byte) map[string]uint64 {
	all := map[string]uint64{}
	results, err := engine.DecodeResults(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		var v uint64
		if r.Found {
			if _, err := fmt.Sscan(string(r.Value), &v); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := all[string(r.Key)]; !ok {
			all[string(r.Key)] = v
		}
	}
	return all
}

func (w *world) decide(x *trans) {
	all := true
	for i := range x.part {
		if x.ops[i] == nil {
			continue
		}
		if x.part[i].voted && x.part[i].vote == txc.No {
			w.end(x, txc.Aborted)
			return
		}
		all = all && x.part[i].voted
	}
	if all {
		w.end(x, txc.Committed)
	}
}

func (w *world) end(x *trans, o txc.Outcome) {
	if x.outcome == txc.Undecided {
		x.outcome, x.ended = o, w.tick
		for i := range x.part { // what was released, or certainly refused, hears no decision
			p := &x.part[i]
			p.done = p.voted && !p.vote.Promises()
		}
	}
}

// step does one random thing.
func (w *world) step() {
	w.tick++
	s := w.sites[w.rnd.IntN(2)]
	switch k := w.rnd.IntN(20); {
	case k < 4 && len(w.open()) < 5:
		w.begin()
	case k < 13 && len(w.txs) > 0:
		if open := w.open(); len(open) > 0 && w.rnd.IntN(10) > 0 {
			w.send(open[w.rnd.IntN(len(open))], s.i)
		} else {
			w.send(w.txs[w.rnd.IntN(len(w.txs))], s.i)
		}
	case k < 17:
		s.written()
	case k < 19:
		w.now = w.now.Add(time.Duration(w.rnd.IntN(8)) * time.Millisecond)
		w.sites[0].step()
		w.sites[1].step()
	case w.rnd.IntN(4) == 0:
		s.crash()
	}
	for _, x := range w.txs {
		for i, p := range x.part {
			if p.sent && !p.voted && (p.calling || !x.joined) && x.outcome == txc.Undecided && w.now.Sub(p.since) > engine.LockWait+10*time.Millisecond && w.sites[i].batch == nil {
				w.lost = fmt.Sprintf("%d at %d waits for ever", x.seq, i)
			}
		}
	}
}

// open lists the transactions that are not over: few enough that most meet only one another.
func (w *world) open() []*trans {
	var all []*trans
	for _, x := range w.txs {
		if x.ops[0] != nil && !x.part[0].done || x.ops[1] != nil && !x.part[1].done {
			all = append(all, x)
		}
	}
	return all
}

// heal delivers everything until all is decided and known everywhere.
func (w *world) heal() {
	for range 3000 {
		w.tick++
		open := false
		for _, x := range w.txs {
			for i := range x.part {
				if x.ops[i] != nil && !x.part[i].done {
					open = true
					if x.outcome != txc.Undecided || !x.part[i].sent || x.joined {
						w.send(x, i)
					}
				}
			}
		}
		for _, s := range w.sites {
			s.written()
			s.step()
		}
		w.now = w.now.Add(time.Millisecond)
		if !open {
			return
		}
	}
	w.t.Fatal("after everything was delivered, transactions are still open: a deadlock lasts (S3)")
}

// S1: what transactions over several stores saw and did is strictly serializable, over crashes and power losses, and
// nothing that was committed is lost. S3: nobody waits for ever.
func TestHistoriesAreStrictlySerializable(t *testing.T) {
	committed, aborted, called := 0, 0, 0
	for i := range *histories {
		seed := *firstSeed + uint64(i)
		w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 7)), now: start}
		for i := range w.sites {
			w.sites[i] = &site{w: w, i: i, d: newDisk(), versions: map[string][]uint64{}}
			w.sites[i].crash()
		}
		for range 600 {
			w.step()
		}
		w.heal()
		bad := w.lost
		if bad == "" {
			bad = w.judge()
		}
		if bad != "" {
			t.Fatalf("%s\nrun again: go test ./participant/kv/engine -run %s -history %d -histories 1", bad, t.Name(), seed)
		}
		for _, x := range w.txs {
			if x.outcome == txc.Committed {
				committed++
				if x.joined {
					called++
				}
			} else {
				aborted++
			}
		}
	}
	t.Logf("%d committed, of them %d by calls; %d aborted", committed, called, aborted)
	if committed < aborted/4 || called < committed/10 {
		t.Error("hardly anything commits: the test proves little")
	}
}
