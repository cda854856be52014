package coordinator

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// Core is the whole coordinator but for its I/O: no clock, randomness, goroutine, lock or context. Step takes a batch of
// events and says what must be done. The shell carries that out; so does the simulator.
//
// Invariants:
//   - live holds every transaction that is undecided, or committed without a durable End; order holds the same, by id;
//   - what was given to the log and has not come back stands in pending, in the log's order;
//   - nothing leaves as a message or an answer that relies on a record in pending (C1).
type Core struct {
	o       Options
	cluster string
	number  uint32
	epoch   uint32
	mark    uint64

	openings protocol.Openings
	head     uint64 // last durable LSN that is known
	sequence uint64 // last issued
	lastAge  uint64 // ages grow (S3)
	opened   time.Time
	seed     *rand.Rand

	live    map[txc.ID]*live
	order   list // of live, ascending
	keys    map[string]*live
	asking  map[string]*keyAsk // keys that are being looked up
	retried retried
	bytes   int // work and results of what is live
	ended   ring
	odd     map[txc.ID]*oddAbort
	excused fifo[txc.ID] // of odd, those that an operator has acknowledged

	peers  map[string]*peer
	byName []*peer // ascending, so that nothing depends on a map's order

	pending  fifo[pending]
	unsynced fifo[unsynced]
	timers   timers

	restored  []restored
	presumed  map[txc.ID]*presumption
	guesses   int      // of presumed, those that only clients asked for
	alarms    []string // not said yet
	stopped   []proof  // of a loss or another owner, not accepted (C5, C6)
	fenced    bool     // one of them is of another owner: no participant is spoken to
	failed    bool     // C3: nothing more is said to anybody
	draining  []Token
	awaiting  []AskHeard
	drain     bool
	watching  bool
	refreshAt time.Time // of the watermarks
	refreshed uint64    // the last id issued when they were refreshed
	stampsAt  time.Time // of the stamps' records
	counted   uint64    // how often a participant has begun to count (C6)

	w   World    // of the running Step
	out *Effects // of the running Step
}

// Intervals of the core's own.
const (
	refreshEvery = 200 * time.Millisecond // watermarks
	saveAfter    = time.Second            // an incomplete commit's acknowledgements are noted (P5)
	stampsEvery  = 10 * time.Second       // the highest stamps are noted (P12)
)

// NewCore makes the core from what the log recovered. Nothing is served before it exists (C7).
func NewCore(rec wal.Recovery, o Options, now time.Time) (*Core, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Core{
		o: o, cluster: rec.Cluster, number: rec.Number, epoch: rec.Epoch, mark: rec.Mark, head: rec.First, opened: now,
		seed: rand.New(rand.NewPCG(o.Seed, rec.Mark)),
		live: map[txc.ID]*live{}, keys: map[string]*live{}, asking: map[string]*keyAsk{}, odd: map[txc.ID]*oddAbort{},
		peers: map[string]*peer{}, presumed: map[txc.ID]*presumption{},
	}
	c.recover(rec)
	return c, nil
}

// Step takes a batch of events, in order, and then lets time pass. It returns when it wants to be called again at the
// latest; the zero time if only an event can bring anything.
func (c *Core) Step(w World, events []Event, out *Effects) (next time.Time) {
	c.w, c.out = w, out
	c.startRestored()
	for _, ev := range events {
		if c.failed {
			break // C3: nobody is answered
		}
		c.event(ev)
	}
	if !c.failed {
		c.synced(w.Synced)
		c.tick()
		c.flush()
		out.Alarms, c.alarms = append(out.Alarms, c.alarms...), nil
	}
	c.out = nil
	return c.timers.next()
}

func (c *Core) event(ev Event) {
	switch ev := ev.(type) {
	case AskRun:
		c.askRun(ev)
	case AskBegin:
		c.askBegin(ev)
	case AskEnlist:
		c.askEnlist(ev)
	case AskCommit:
		c.askCommit(ev)
	case AskAbort:
		c.askAbort(ev)
	case AskOutcome:
		c.askOutcome(ev)
	case AskRegister:
		c.askRegister(ev)
	case AskInquire:
		c.askInquire(ev)
	case LinkUp:
		c.linkUp(ev.Participant)
	case LinkDown:
		c.linkDown(ev.Participant)
	case LinkFull:
		if p := c.peers[ev.Participant]; p != nil {
			c.redial(p)
		}
	case Received:
		c.received(ev)
	case AskResolve:
		c.askResolve(ev)
	case AskAcknowledge:
		c.askAcknowledge(ev)
	case AskAccept:
		c.askAccept(ev)
	case AskRemove:
		c.askRemove(ev)
	case AskStatus:
		c.answer(Answered{Token: ev.Token, Status: c.status()})
	case AskList:
		c.answer(c.list(ev))
	case AskDetail:
		c.askDetail(ev)
	case AskFacts:
		c.askFacts(ev)
	case AskParticipants:
		c.answer(Answered{Token: ev.Token, Participants: c.participants()})
	case Watching:
		c.watching = ev.On
	case AskHeard:
		c.askHeard(ev)
	case AskDrain:
		c.drain = true
		c.draining = append(c.draining, ev.Token)
	case Appended:
		c.appended(ev)
	case Found:
		ev.Lookup.For.(func(Found))(ev)
	case LogFailed:
		c.fail(ev.Err)
	}
}

// fail is C3 and C5: the coordinator says nothing more to anybody; only the log tells, when it is opened again. What
// this Step had to say is not said either.
func (c *Core) fail(err error) {
	c.failed = true
	*c.out = Effects{Stop: err}
}

// tick lets time pass: timers, and what is done now and then.
func (c *Core) tick() {
	for t := c.timers.due(c.w.Now); t != nil; t = c.timers.due(c.w.Now) {
		if t.of != nil {
			c.wake(t.of)
		} else {
			t.list.sweep.missed++
			c.startSweep(t.list)
		}
	}
	if !c.w.Now.Before(c.refreshAt) || c.refreshAt.Sub(c.w.Now) > refreshEvery {
		c.refreshWatermarks()
		c.finishRemovals()
	}
	if !c.w.Now.Before(c.stampsAt) || c.stampsAt.Sub(c.w.Now) > stampsEvery {
		c.stampsAt = c.w.Now.Add(stampsEvery)
		c.saveStamps()
	}
	c.tellHeard()
	if len(c.draining) > 0 && c.undecided() == 0 {
		for _, t := range c.draining {
			c.answer(Answered{Token: t})
		}
		c.draining = nil
	}
}

// flush hands out what was said to each participant in this Step, as one batch, under one Sender. The batch is the
// shell's until the next Step.
func (c *Core) flush() {
	for _, p := range c.byName {
		clear(p.spare)
		p.spare = p.spare[:0]
		if len(p.out) == 0 {
			continue
		}
		from := &protocol.Sender{
			Cluster: c.cluster, Coordinator: c.number, Epoch: c.epoch, Mark: c.mark, LSN: c.head,
			Watermark: p.watermark, Open: p.open,
		}
		for i := range p.out {
			p.out[i].From = from
		}
		c.out.Send = append(c.out.Send, Outgoing{p.name, p.out})
		p.out, p.spare = p.spare, p.out
	}
}

func (c *Core) answer(a Answered) { c.out.Answers = append(c.out.Answers, a) }

func (c *Core) refuse(t Token, of error, code txc.Code, text string) {
	c.answer(Answered{Token: t, Err: txc.Refuse(of, code, text)})
}

func (c *Core) sortPeers() {
	slices.SortFunc(c.byName, func(a, b *peer) int { return cmp.Compare(a.name, b.name) })
}

// refusing tells why nothing may begin, in words; "" if it may.
func (c *Core) refusing() (code txc.Code, text string) {
	switch {
	case len(c.stopped) > 0:
		return txc.CodeWaiting, "this coordinator waits for an operator: " + c.stopped[0].Text + "; see `txc status`, then `txc accept loss --reason ...`"
	case c.drain:
		return txc.CodeDraining, "this coordinator is shutting down: try another one, or again after its restart"
	case c.w.Low:
		return txc.CodeDiskLow, "the disk of the coordinator's log is nearly full: free some space (see --min-free)"
	default:
		return "", ""
	}
}
