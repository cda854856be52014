package protocol_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
)

// config is one world to walk through.
type config struct {
	name    string
	sides   int
	votes   []txc.Vote
	crashes uint8

	troubles uint8 // writes of a store that fail, or whose fate is unknown
	words    uint8 // of operators
	refusals bool  // refused messages stay where they are, and refusals come back
	lost     bool  // the copy has the opening alone
	copies   bool  // a second coordinator starts on an old copy of the log; LSNs are counted
	marks    bool  // watermarks
	sweeps   bool  // searches for orphans
	swift    bool  // a Welcome arrives at once
	quiet    bool  // participants ask nothing
	late     bool  // crashes and searches before the transaction begins
	acks     bool  // acknowledgements are noted in the log
	joined   bool
	meddled  bool // troubles are somebody's, behind the participant's back
	ordered  bool

	forget weakness
}

// mostStates bounds one walk: a world that grows beyond it has become another one than its author thinks.
const mostStates = 1_500_000

// weakness is a part of a rule that a shell might leave out. Each must be found out.
type weakness int

const (
	nothingElse weakness = iota
	theReplaysSync
	theReplay
	thatAllMustBeHeard
	olderOpenings
	writesOfOlderOpenings
	theDurableFence
	theWitnessOfACommit
	thatTheEndIsLazy
	thatAcknowledgementsAreInMemory
	theIncarnation
	theStoresSync
	toWaitForTheDisk
	theSearchsOrder
)

func (cfg config) model() model[world] {
	g := &stage{cfg: &cfg}
	w := world{Born: 1, Crashes: cfg.crashes, Troubles: cfg.troubles, Words: cfg.words}
	w.Epoch[0] = 1
	first := logbook{Len: 1}
	first.First[0] = 1
	w.C[0] = coord{Mode: up, Opening: 1, W: first, D: first, Linked: g.all(), Heard: g.all()}
	for i := range cfg.sides {
		s := side{Up: true, Inc: 1}
		s.WitV[0], s.WitD[0] = 1, 1
		s.PrepInc = 1
		w.S[i] = s
	}
	limit := mostStates
	if *allWorlds {
		limit *= 20
	}
	return model[world]{start: w, next: g.next, key: g.key, wrong: g.broken, done: g.finished, limit: limit}
}

var (
	yes       = []txc.Vote{txc.Yes}
	yesNo     = []txc.Vote{txc.Yes, txc.No}
	everyVote = []txc.Vote{txc.Yes, txc.Held, txc.ReadOnly, txc.No}
)

var (
	plain  = config{name: "plain", sides: 2, votes: yesNo, crashes: 2, swift: true}
	copies = config{name: "another owner, or an old copy of the log", sides: 2, votes: yes, copies: true, refusals: true}
	lost   = config{name: "a log that lost its tail", sides: 2, votes: yes, copies: true, lost: true, crashes: 1}
	marks  = config{name: "watermarks", sides: 2, votes: yesNo, crashes: 1, marks: true, acks: true}
	sweeps = config{name: "searches for orphans", sides: 2, votes: yesNo, crashes: 1, sweeps: true, quiet: true, late: true}
	joined = config{name: "joined calls", sides: 1, votes: yesNo, crashes: 2, joined: true}
)

// small worlds are walked through always, larger ones not under the race detector, which is ten times slower and has
// nothing to find in one goroutine, and the largest by flag.
var (
	small = []config{
		plain,
		{name: "every vote", sides: 2, votes: everyVote, crashes: 1, acks: true},
		joined,
		{name: "joined calls of two branches", sides: 2, votes: yesNo, joined: true},
		sweeps,
		{name: "stores in trouble", sides: 2, votes: yesNo, crashes: 1, troubles: 1},
	}
	larger = []config{
		{name: "the plain core", sides: 3, votes: yesNo, crashes: 2, swift: true},
		{name: "slow welcomes", sides: 2, votes: yesNo, crashes: 2, acks: true},
		copies, lost, marks,
		{name: "stores in more trouble", sides: 2, votes: yes, crashes: 1, troubles: 2},
		{name: "operators", sides: 2, votes: yes, crashes: 1, words: 2},
		{name: "stores that somebody meddles with", sides: 2, votes: yesNo, troubles: 1, meddled: true, words: 1},
	}
	largest = []config{
		{name: "four branches", sides: 4, votes: yesNo, crashes: 1, swift: true},
		{name: "three crashes", sides: 2, votes: everyVote, crashes: 3, acks: true},
		{name: "three branches, every vote", sides: 3, votes: everyVote, crashes: 2, swift: true, acks: true},
		{name: "watermarks, two crashes", sides: 2, votes: yesNo, crashes: 2, marks: true, acks: true},
		{name: "joined calls of two branches, a crash", sides: 2, votes: yesNo, crashes: 1, joined: true},
		{name: "searches for orphans, two crashes", sides: 2, votes: yesNo, crashes: 2, sweeps: true, quiet: true, late: true},
		{name: "stores that somebody meddles with, a crash", sides: 2, votes: yesNo, crashes: 1, troubles: 1, meddled: true, words: 1},
	}
	allWorlds = flag.Bool("worlds", false, "walk through the largest worlds too: minutes, and gigabytes")
)

func TestExplore(t *testing.T) {
	worlds := small
	if !raced {
		worlds = append(worlds, larger...)
	}
	if *allWorlds {
		worlds = append(worlds, largest...)
	}
	for _, cfg := range worlds {
		t.Run(cfg.name, func(t *testing.T) { explore(t, cfg.name, cfg.model()) })
	}
}

// Each part of a rule that stands in a shell rather than in a machine: without it the walk must come upon what the rule
// prevents. So each check is seen to fail.
func TestForgotten(t *testing.T) {
	if raced {
		t.Skip("ten times slower, and nothing to be raced for in one goroutine")
	}
	for _, r := range []struct {
		what  string
		world config
		weak  weakness
		wrong string
	}{
		{"C7: to sync what a replay has read", plain, theReplaysSync, "C1: a branch is told to commit before"},
		{"C7: to replay before serving", plain, theReplay, "told to abort, and there is a commit record"},
		{"C6: that every member must be heard", lost, thatAllMustBeHeard, "agreement: one branch"},
		{"C6: to show the witnesses of older openings", lost, olderOpenings, "agreement: one branch"},
		{"C6: to keep the witness with an applied commit", lost, theWitnessOfACommit, "agreement: one branch"},
		{"P6: that writes begun for older openings end before a hello is answered", lost, writesOfOlderOpenings, "agreement: one branch"},
		{"P6: to make the fence durable before a hello is answered", lost, theDurableFence, "agreement: one branch"},
		{"P5: that an End is lazy", marks, thatTheEndIsLazy, "H1: a branch is called heuristic"},
		{"P5: that acknowledgements are in memory", marks, thatAcknowledgementsAreInMemory, "H1: a branch is called heuristic"},
		{"P4: the incarnation that Prepare bears", plain, theIncarnation, "P4: side 0 executes twice"},
		{"P4: the incarnation that calls bear", joined, theIncarnation, "P4: side 0 promises"},
		{"P10: to sync what a store was read to hold", plain, theStoresSync, "P7: side 0 says aborted"},
		{"P1, P11: to wait for the disk", plain, toWaitForTheDisk, "P1: side 0 votes yes"},
		{"C9: the order of the search", sweeps, theSearchsOrder, "told to abort"},
	} {
		t.Run(r.what, func(t *testing.T) {
			r.world.forget = r.weak
			f := walk(r.world.model())
			if !strings.Contains(f.wrong, r.wrong) {
				t.Fatalf("%d states; found %q, want %q\n%s", f.states, f.wrong, r.wrong, f)
			}
			t.Logf("%d states: %s\n%s", f.states, f.wrong, f)
		})
	}
}
