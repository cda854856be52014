package simulation

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant/kv/engine"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/mem"
)

// excuses are the transactions that may end otherwise than promised, each because of what was done to it or to its record
// and nothing else.
//
//   - torn: an operator settled a branch, or its store lost the promise. Atomicity is not promised for these (H2, C13);
//     that they are reported is (V15).
//   - a log that held its commit record was lost or decided beside another one: what its client was told may be wrong.
type excuses struct {
	w        *World
	torn     map[protocol.Proof]bool
	resolved map[protocol.Proof]bool // of torn, at the coordinator (H3)
	byHand   map[protocol.Proof]bool // settled as the evidence says, after a loss
	settled  map[doubt]txc.Outcome   // confirmed by the participant
	forgot   []doubt                 // promises that went with a store
	reported map[txc.ID]bool         // as mixed, to an operator
	attempts map[protocol.Proof]int  // of transfers, by number
}

func (x *excuses) init(w *World) {
	x.w = w
	x.torn, x.byHand, x.attempts = map[protocol.Proof]bool{}, map[protocol.Proof]bool{}, map[protocol.Proof]int{}
	x.resolved = map[protocol.Proof]bool{}
	x.settled, x.reported = map[doubt]txc.Outcome{}, map[txc.ID]bool{}
}

// attempt notes which transfer a branch belongs to: its work says so.
func (x *excuses) attempt(p protocol.Proof, work []byte) {
	if of := &x.w.mix.of; of[settle] == 0 && of[wipe] == 0 && of[rival] == 0 && of[loseTail] == 0 {
		return
	}
	i := bytes.Index(work, []byte(transferPrefix))
	if i < 0 {
		return
	}
	n := 0
	for _, b := range work[i+len(transferPrefix):] {
		if b < '0' || b > '9' {
			break
		}
		n = 10*n + int(b-'0')
	}
	x.attempts[p] = n
}

// tornTransfer reports whether an attempt of the transfer is torn, or two owners decided it differently: one recorded its
// commit, and the other, which had no record of it, presumed that it aborted. Who accepts a log under such a number has
// the recorded commits completed (C12), wherever the other owner was not heard before.
func (x *excuses) tornTransfer(t *transfer) bool {
	for p := range x.torn {
		if x.attempts[p] == t.n {
			return true
		}
	}
	return x.ranTwice(t)
}

func (x *excuses) read(r coordinator.Result) bool {
	return x.torn[protocol.Proof{ID: r.ID, Mark: r.Mark}]
}

// sum reports whether a reading may have seen this much money: what there was at any time since it was sent, and of torn
// transfers one half or the other.
func (x *excuses) sum(t *transfer, sum int) bool {
	may := map[int]bool{x.w.ledger.total: true}
	for _, past := range x.w.ledger.past[t.totals:] {
		may[past] = true
	}
	half := func(t *transfer) {
		amount, next := t.amount(), map[int]bool{}
		for s := range may {
			next[s], next[s-amount], next[s+amount] = true, true, true
		}
		may = next
	}
	for p := range x.torn {
		if n := x.attempts[p]; n > 0 { // 0: a reading
			half(x.w.ledger.order[n-1])
		}
	}
	if may[sum] || x.w.rival == nil {
		return may[sum]
	}
	for _, t := range x.w.ledger.order {
		if !t.reads && x.recordLost(t) {
			half(t)
		}
	}
	return may[sum]
}

// mayBeMixed reports whether a transaction has a reason to have a heuristic branch.
func (x *excuses) mayBeMixed(id txc.ID, mark uint64) bool {
	p := protocol.Proof{ID: id, Mark: mark}
	if x.torn[p] || x.byHand[p] {
		return true
	}
	for _, d := range x.all() { // who finished it under a log that is gone may have dropped the proof (P5)
		if c, ok := commits(x.w, d)[id]; ok && c.mark == mark {
			return true
		}
	}
	return false
}

// all are the logs that decided under the coordinator's number, if there is more than its own.
func (x *excuses) all() []*mem.Disk {
	if !x.w.lossy() {
		return nil
	}
	all := slices.Clone(x.w.evidence)
	for _, c := range x.w.coordinators() {
		all = append(all, c.intact())
	}
	return all
}

// lossy reports whether a log was lost, or another one decided beside it.
func (w *World) lossy() bool { return len(w.evidence) > 0 || w.rival != nil }

// recordLost reports whether some log had a commit record of the transfer that another one has not.
func (x *excuses) recordLost(t *transfer) bool {
	all, have := x.all(), 0
	for _, d := range all {
		for _, c := range commits(x.w, d) {
			if c.key == t.key {
				have++
				break
			}
		}
	}
	return have > 0 && have < len(all)
}

// outlived reports whether a commit record was lost unnoticed, and the log went on without it, and was lost in its turn:
// what that log told as presumed nobody can tell any more.
func (x *excuses) outlived(p protocol.Proof) bool {
	had, went := false, false
	for _, d := range x.w.evidence {
		all, last := readLog(x.w, d)
		c, ok := all[p.ID]
		had = had || ok && c.mark == p.Mark
		went = went || !ok && last > p.ID.Epoch
	}
	return had && went
}

// ranTwice reports whether a transfer may have run under one owner of the number, and again under another, who did not
// have its record. A loss alone is no excuse: whoever sends again says since when, and does not run (C11).
func (x *excuses) ranTwice(t *transfer) bool { return x.w.rival != nil && x.recordLost(t) }

// intact is the disk as it is, or was before it was damaged.
func (c *coordinatorNode) intact() *mem.Disk {
	if c.damage != nil {
		return c.damage
	}
	return c.disk
}

type committed struct {
	key  string
	mark uint64
}

// commits are the commit records of a log.
func commits(w *World, disk *mem.Disk) map[txc.ID]committed {
	all, _ := readLog(w, disk)
	return all
}

// readLog gives the commit records of a log, and its last epoch.
func readLog(w *World, disk *mem.Disk) (all map[txc.ID]committed, last uint32) {
	log, rec, err := mem.Open(disk.Copy(), mem.Options{Cluster: cluster, Number: number, Mark: 1, Now: w.coordinator.clock})
	if err != nil {
		w.broken("read a log: %v", err)
		return nil, 0
	}
	marks := map[uint32]uint64{}
	for _, r := range rec.Openings {
		b := r.Body.(wal.OpenedBody)
		marks[b.Epoch] = b.Mark
		if b.Epoch < rec.Epoch { // the highest is our own
			last = max(last, b.Epoch)
		}
	}
	all = map[txc.ID]committed{}
	for r, err := range log.History(context.Background()) {
		if err != nil {
			w.broken("read a log: %v", err)
			return nil, 0
		}
		if b, ok := r.Body.(wal.CommitBody); ok {
			all[r.ID] = committed{b.Key, marks[r.ID.Epoch]}
		}
	}
	return all, last
}

// lost notes a log as it was before its end was lost.
func (w *World) lost(before *mem.Disk) { w.evidence = append(w.evidence, before) }

func (w *World) acceptedLoss() { w.lossAt = max(w.now, 1) }

// empty takes a dead participant's store away and leaves a new one in its place, with another identity (P12).
func (w *World) empty(p *participantNode) {
	p.store.flipped = ""
	core, _, err := engine.Open(p.options(), p.store)
	if err != nil {
		w.broken("look into the store of %s: %v", p.name, err)
		return
	}
	for _, d := range core.InDoubt() {
		proof := protocol.Proof{ID: d.ID, Mark: d.Mark}
		w.excuses.torn[proof] = true
		w.excuses.forgot = append(w.excuses.forgot, doubt{p.name, proof})
	}
	for _, m := range core.Committed(txc.ID{}) { // applied, and perhaps not acknowledged
		w.excuses.byHand[m] = true
	}
	for _, t := range w.ledger.order {
		p.counted[t.n] += p.count(t)
	}
	w.ledger.past = append(w.ledger.past, w.ledger.total)
	w.ledger.total += accounts*funds - p.money()
	p.store = newStore()
	p.instance[1]++
	w.say("%s lost its store, with %d promises", p.name, len(core.InDoubt()))
}

// count is how often the store shows that a transfer was applied.
func (p *participantNode) count(t *transfer) int {
	v, ok := p.store.look(string(engine.DataKey(countKey(t.n))))
	if !ok {
		return 0
	}
	return p.number(v)
}

// money is all that the store's accounts hold.
func (p *participantNode) money() (sum int) {
	for i := range accounts {
		v, _ := p.store.look(string(engine.DataKey(account(i))))
		sum += p.number(v)
	}
	return sum
}

func (p *participantNode) number(v []byte) int {
	n, err := strconv.Atoi(string(v))
	if err != nil {
		p.w.broken("%s holds %q where a number belongs", p.name, v)
	}
	return n
}
