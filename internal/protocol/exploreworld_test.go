package protocol_test

import (
	"fmt"
	"strings"

	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

// The world around the machines: as little of coordinators' and participants' shells, logs, stores and network as the
// rules speak of. What decides is the shipped Tx.Step, Branch.Step, guards and rules; what stands here only carries out.
//
//	coordinator 0 (its log: written, durable) ──┐            ┌── side 0: Branch, store (written, durable), witnesses
//	coordinator 1 (a copy of that log, older) ──┴── messages ┴── side 1 ...
//
// A message once sent stays: it may arrive now, later, again, after others, or never. What an operating system holds
// survives a kill; only what was synced is sure to survive a power loss.
const (
	maxSides    = 4
	maxOpenings = 4
	cluster     = "txc"
)

type world struct {
	C      [2]coord
	S      [maxSides]side
	Epoch  [maxOpenings]uint8 // of each opening; its mark is its place here + 1
	Born   uint8              // openings so far
	Issuer uint8              // the opening that issued the transaction's id; 0: none yet

	Crashes, Troubles, Words uint8 // how many may still happen: of anybody, of stores, by an operator

	Copied            bool // a copy of the log was made
	CommitEver, ToldA bool // what was durable once; what anybody but the log has heard
	Client            client
}

// client is the program that runs a joined transaction.
type client struct {
	Asked, Doomed bool
}

const (
	down = iota
	up
	stoppedForGood // C5: waits for an operator
)

type coord struct {
	Mode          uint8
	Opening       uint8
	Tx            Tx
	W, D          logbook // written, durable
	Recovered     bool    // the machine counts the record's members alone
	Linked, Heard uint8   // sides whose Welcome came; of them, those that showed only what is contained
	Sweep         sweep
}

// logbook is what a log holds. LSNs: 0 is none.
type logbook struct {
	First                                 [maxOpenings]uint8 // LSN of each opening's record; 0: not of this log
	Len, Commit                           uint8              // last LSN; the commit record's
	Members, Acked, Odd, Excused, Settled uint8
	OddAborted, ExcusedAborted            uint8 // H4: committed branches of an aborted transaction
	End, Loss                             bool
}

// sweep is a search for orphans at one side (C9).
type sweep struct {
	At           uint8 // 0: none; then what was looked at last: 1 P, 2 A, 3 T
	Side         uint8
	InP, Running bool
	Commit, Over bool
	Heard        bool
}

// What a store holds of the branch.
const (
	nothing = iota
	promise
	marker
	settledCommitted
	settledAborted
	markerDropped // the same as nothing, but the world remembers that the work is in the data
	lostPromise   // the same as nothing, but the world remembers that somebody meddled
)

// What a store is busy with.
const (
	idle = iota
	writingPromise
	applyingWork
	rollingBack
	settlingCommitted
	settlingAborted
)

type side struct {
	Up, Locks             bool
	Inc                   uint8 // incarnation
	B                     Branch
	V, D, Op              uint8 // store: written, durable, busy with
	WitV, WitD            [maxOpenings]seenAt
	Passed                bool
	Net                   uint64
	Wel                   [2]welcome // the last Welcome to each coordinator's running opening
	PrepInc, PrepCalls    uint8      // what Prepare bears
	GaveYes, Ran, Sure    bool       // it voted yes or held; it has executed; it said a certain No
	Prepared              bool       // Prepare was sent
	ByHand                bool       // somebody settled it, or meddled with the store
	CallsSent, CallsSeen  uint8      // joined: the client's
	ClientInc, TrailerInc uint8      // joined: what the client took from its first trailer; what that bears
	CalledInc             uint8      // joined: of the branch that calls opened
}

// seenAt is a witness: 0 none, 1 seen without an LSN, else the LSN + 1.
type seenAt = uint8

type welcome struct {
	Sent bool
	Inc  uint8
	Wit  [maxOpenings]seenAt
}

// Messages are bits of side.Net: one per kind and, of those that coordinators send, opening.
const (
	helloBit = iota
	prepareBit
	commitBit // or an answer that says committed
	abortBit  // or an answer that says aborted
	answerFinished
	answerExcused // committed or aborted, as decided, and acknowledged by an operator (H4)
	heardBit      // nothing but what every message bears: the watermark has passed older openings, and lists the transaction
	markBit       // the same: the watermark has passed the transaction
	fencedBit     // back to that opening: refused
	perOpening
)

const (
	voteYes = iota + perOpening*maxOpenings
	voteHeld
	voteReadOnly
	voteNo
	voteNoCertain
	fateBit                                    // + a txc.Fate
	callBit    = fateBit + int(txc.Hazard) + 1 // + completed calls that the client has seen
	trailerBit = callBit + 2                   // + completed calls; the first has 1
)

// stage is where one step plays.
type stage struct {
	cfg   *config
	w     world
	wrong string
	trace bool
	said  strings.Builder
	cut   int // carry out so many actions, then crash; negative: no crash
	done  int // actions carried out
	out   *steps[world]

	txActs     []TxAction
	branchActs []BranchAction
}

func (g *stage) say(format string, args ...any) {
	if g.trace {
		fmt.Fprintf(&g.said, format, args...)
	}
}

func (g *stage) fail(format string, args ...any) {
	if g.wrong == "" {
		g.wrong = fmt.Sprintf(format, args...)
	}
}

// forget reports whether this world leaves out a part of a rule, to show that it is needed.
func (g *stage) forget(w weakness) bool { return g.cfg.forget == w }

func (g *stage) begin(from *world, cut int) {
	g.w, g.wrong, g.cut, g.done = *from, "", cut, 0
	g.said.Reset()
}

func (g *stage) emit(fault bool, from *world) {
	if g.w == *from && g.wrong == "" {
		return
	}
	g.out.all = append(g.out.all, step[world]{to: g.w, what: g.said.String(), wrong: g.wrong, fault: fault})
}

// carry says whether the next action is still carried out, and counts it.
func (g *stage) carry() bool {
	if g.cut >= 0 && g.done >= g.cut {
		return false
	}
	g.done++
	return true
}

// do adds what f leads to; and, while crashes are left, what a crash of its doer between any two of its actions leads to.
func (g *stage) do(from *world, f func(), crash func(variant int) bool) {
	g.begin(from, -1)
	f()
	g.emit(false, from)
	actions := g.done
	if from.Crashes == 0 || crash == nil {
		return
	}
	for cut := 1; cut < actions; cut++ {
		for v := 0; ; v++ {
			g.begin(from, cut)
			f()
			if !crash(v) {
				break
			}
			g.emit(true, from)
		}
	}
}

// crashes adds the ways in which a crash between two steps can end.
func (g *stage) crashes(from *world, crash func(variant int) bool) {
	for v := 0; from.Crashes > 0; v++ {
		g.begin(from, -1)
		if !crash(v) {
			return
		}
		g.emit(true, from)
	}
}

func (g *stage) next(from world, out *steps[world]) {
	g.out, g.trace = out, out.trace
	for c := range g.w.C {
		g.coordinatorSteps(&from, c)
	}
	for i := range g.cfg.sides {
		g.sideSteps(&from, i)
	}
}

func bit(kind int, opening uint8) int { return kind*maxOpenings + int(opening) - 1 }

func (g *stage) send(i, bit int)      { g.w.S[i].Net |= 1 << bit }
func (w *world) sent(i, bit int) bool { return w.S[i].Net>>bit&1 == 1 }
func has(s uint8, i int) bool         { return s>>i&1 == 1 }
func (g *stage) all() uint8           { return 1<<g.cfg.sides - 1 }
func (g *stage) id() txc.ID {
	return txc.ID{Coordinator: 1, Epoch: uint32(g.w.Epoch[g.w.Issuer-1]), Sequence: 1}
}
func (g *stage) epoch(opening uint8) uint32 { return uint32(g.w.Epoch[opening-1]) }
