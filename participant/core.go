package participant

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Enlistment is what a caller of joined work has of a branch.
type Enlistment = protocol.Enlistment

// Bounds of a core.
const (
	MaxLive    = 65536          // branches that are not ended; above it, work is refused
	MaxTombs   = 2 * txc.MaxLag // ended branches of one coordinator that are remembered; above it, its work is refused
	maxWaiting = 16384          // messages of one coordinator that wait for a hello's durable step; more are dropped
	maxQueued  = 16             // messages of one branch that wait while the store is asked what it knows of it; more are dropped
	maxAsks    = 32             // unary questions to one coordinator that wait for an answer
	maxLists   = 4              // listings for one coordinator that run at once, and as many for people
)

// Delays of a core.
const (
	choresEvery = time.Second           // witnesses are written, and the store told of a moved watermark, at most so often
	retryMin    = 20 * time.Millisecond // the first pause before a deed of unknown fate is repeated
	retryMax    = time.Second           // the last
	askMax      = 5 * time.Second       // the longest pause between two questions about a branch
)

// Config is what a core is told at its start, and nothing of it changes.
type Config struct {
	Cluster, Name, Software string
	Instance                [16]byte      // the store's identity (P12)
	Incarnation             uint64        // drawn at this start, not zero (P4)
	InquireEvery            time.Duration // the first pause before a question
	Seed                    uint64        // of the jitter
	Started                 time.Time     // what the core's clock calls 0; only to tell how old what was restored is
}

// Core is the agent without its surroundings: no clock, no I/O, no goroutine, no lock, no randomness but the seed's.
// Time is what Step is told, counted from the agent's start. The same events give the same effects.
//
//	 events                          ┌──────────────── Core ───────────────┐         effects
//	Received, SessionClosed ───────▶ │ peers    fence, hello, watermark    │ ──────▶ Sends, Asks
//	Done ──────────────────────────▶ │ branches protocol.Branch + its work │ ──────▶ Calls
//	CallAsked, CallOver, Settle… ──▶ │ tombs    ended, above the watermark │ ──────▶ Answers, Doomed
//	time ──────────────────────────▶ │ timers   deadlines, questions       │ ──────▶ Wake
//	                                 └─────────────────────────────────────┘
type Core struct {
	conf     Config
	self     protocol.Self
	peers    map[uint32]*peer
	branches map[key]*live
	sessions map[uint64]bool
	calls    map[uint64]flight // in the store, by number
	lastCall uint64
	timers   timers
	rng      *rand.Rand
	stamp    uint64
	keeping  bool // witnesses are being written: one writing at a time, so that an older one never overtakes
	now      time.Duration
	out      *Effects
	running  map[uint64]key // calls of the service, by the token that they asked with
	closing  bool
	failed   error
	token    uint64 // of the event that is being handled
	risen    live   // a tomb that is being dropped: reused, for there are as many as branches
}

// key names a branch. Ids repeat when a log was lost; with the mark they do not.
type key struct {
	ID   txc.ID
	Mark uint64
}

func (k key) compare(o key) int {
	return cmp.Or(k.ID.Compare(o.ID), cmp.Compare(k.Mark, o.Mark))
}

// flight is a call of the store that has not completed.
type flight struct {
	deed    Deed
	branch  key    // of deeds on one branch
	number  uint32 // the coordinator
	gen     uint32 // which of its openings, as seen here, the call began under (P6)
	session uint64 // DeedList: who asked, a coordinator
	token   uint64 // DeedList: or a person
	seen    []Seen // DeedRemember: what is being written
}

// NewCore starts from what the store shows (P10): its notebook, and every promise in it.
func NewCore(conf Config, memory Memory, promised []InDoubt) *Core {
	c := &Core{
		conf: conf, self: protocol.Self{Cluster: conf.Cluster, Incarnation: conf.Incarnation},
		peers: map[uint32]*peer{}, branches: map[key]*live{}, sessions: map[uint64]bool{}, calls: map[uint64]flight{}, running: map[uint64]key{},
		rng: rand.New(rand.NewPCG(conf.Seed, conf.Incarnation)), stamp: memory.Stamp, out: &Effects{},
	}
	for _, seen := range memory.Seen {
		p := c.peer(seen.Coordinator)
		p.witnesses = append(p.witnesses, seen)
	}
	for _, p := range c.peers {
		slices.SortFunc(p.witnesses, func(a, b Seen) int { return cmp.Compare(a.Epoch, b.Epoch) })
		p.kept = p.witnesses
	}
	for _, d := range promised {
		c.restore(d)
	}
	return c
}

// Step takes what has happened since the last one, in order, and writes what is to be done to out, which it empties
// first. A call without events does what is due.
func (c *Core) Step(now time.Duration, events []Event, out *Effects) {
	out.reset()
	c.now, c.out = now, out
	for _, ev := range events {
		if c.failed == nil {
			c.handle(ev)
		}
	}
	for c.failed == nil {
		t := c.timers.expired(now)
		if t == nil {
			break
		}
		c.expire(t)
	}
	if c.closing && c.failed == nil {
		out.Closed = c.quiet()
	}
	if c.failed != nil { // P11: neither yes nor answer
		out.reset()
		out.Failed = c.failed
	}
}

// Wake tells when Step must be called at the latest, though nothing happens.
func (c *Core) Wake() (at time.Duration, ok bool) {
	if c.failed != nil {
		return 0, false
	}
	return c.timers.next()
}

func (c *Core) handle(ev Event) {
	switch ev := ev.(type) {
	case SessionOpened:
		c.sessions[ev.Session] = true
	case SessionClosed:
		c.sessionClosed(ev.Session)
	case Received:
		for i := range ev.Messages {
			c.receive(ev.Session, ev.Messages[i])
		}
	case Told:
		c.told(ev)
	case Done:
		c.done(ev)
	case CallAsked:
		c.callAsked(ev)
	case CallOver:
		c.callOver(ev)
	case SettleAsked:
		c.settleAsked(ev)
	case StatusAsked:
		c.statusAsked(ev)
	case ListAsked:
		c.listAsked(ev)
	case CloseAsked:
		c.closeAsked()
	}
}
