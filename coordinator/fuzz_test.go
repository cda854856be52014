package coordinator_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal/mem"
)

// FuzzCore turns bytes into a story: two of them are one event. Clients ask, participants vote and go away, the log is
// late, fails, or is opened again, in any order. After each event a ledger of its own says whether what the core has said
// may be said; in the end everything comes back, and must come to rest.
func FuzzCore(f *testing.F) {
	for _, story := range [][]byte{
		{0, 0x03, 10, 0, 10, 1, 13, 0, 10, 0, 10, 1},                                // a commit
		{0, 0x17, 10, 0, 10, 1, 13, 0, 14, 1, 0, 0x17, 13, 0, 6, 1},                 // a key, across a restart
		{9, 0x12, 0, 0x07, 10, 0, 10, 1, 10, 2, 5, 0},                               // a No
		{0, 0x03, 10, 0, 10, 1, 13, 2, 14, 0, 12, 0, 12, 1, 7, 0, 5, 0},             // a decision of unknown fate
		{1, 0x10, 2, 0x00, 2, 0x10, 3, 0, 10, 0, 10, 1, 13, 0, 8, 1, 4, 0},          // interactive, then settled by an operator
		{0, 0x03, 10, 0, 12, 0x10, 15, 9, 7, 0, 10, 1, 12, 0, 15, 7, 13, 0, 11, 0},  // a peer that goes
		{0, 0x13, 0, 0x17, 10, 0, 10, 1, 0, 0x23, 13, 0, 10, 0, 11, 3, 6, 1, 15, 3}, // one key, several requests
		{0, 0x03, 10, 0, 7, 0, 5, 0, 10, 0, 10, 1, 13, 0, 10, 0},                    // asked about while others vote
		{0, 0x03, 10, 0, 10, 1, 15, 90, 4, 0, 5, 0, 13, 0, 10, 0},                   // a deadline while it is decided
		{0, 0x83, 10, 0, 10, 1, 5, 0, 13, 0, 5, 0, 14, 1, 5, 0},                     // decided is enough
		{0, 0x03, 10, 0, 10, 1, 13, 2, 5, 0, 14, 0, 5, 0, 13, 0},                    // written, not synced, and no power cut
		{0, 0x03, 10, 0, 10, 1, 13, 4, 5, 0, 12, 0, 12, 1, 7, 0, 11, 0},             // durable, and nobody has heard
	} {
		f.Add(story)
	}
	f.Fuzz(func(t *testing.T, story []byte) {
		const longest = 400
		if len(story) > longest {
			return
		}
		s := newStory(t)
		for ; len(story) >= 2; story = story[2:] {
			s.event(story[0], story[1])
			s.look()
		}
		s.rest()
	})
}

var cast = []string{"a", "b", "c"}

// story drives a rig whose log and messages go on only when an event says so.
type story struct {
	*rig
	*ledger
	wires map[string][]protocol.Message // on their way to a participant
	said  []coordinator.Received        // by participants, in this opening
	ids   []txc.ID
	votes map[string]protocol.Vote // the next one of a participant, if it is no plain yes
}

func newStory(t *testing.T) *story {
	s := &story{
		rig:    newRig(t, coordinator.Options{Timeout: 2 * time.Second, OrphanEvery: 5 * time.Second}, cast...),
		ledger: newLedger(t), wires: map[string][]protocol.Message{}, votes: map[string]protocol.Vote{},
	}
	for name, f := range s.fakes {
		f.vote = func(protocol.Message) (protocol.Vote, bool) {
			v, ok := s.votes[name]
			delete(s.votes, name)
			return v, ok
		}
	}
	s.holdLog = true
	return s
}

// event is one event, chosen by what, with an argument.
func (s *story) event(what, arg byte) {
	name, id := cast[int(arg)%len(cast)], s.id(arg)
	switch what % 16 {
	case 0:
		s.begin(coordinator.AskRun{Request: s.request(arg)})
	case 1:
		r := s.request(arg)
		r.Work = nil
		s.begin(coordinator.AskBegin{Request: r})
	case 2:
		s.begin(coordinator.AskEnlist{ID: id, Work: work(cast[int(arg>>4)%len(cast)])[0]})
	case 3:
		s.begin(coordinator.AskCommit{ID: id, Wait: coordinator.Wait(arg >> 7)})
	case 4:
		s.begin(coordinator.AskAbort{ID: id, Why: "a whim", Operator: arg >= 128})
	case 5:
		s.begin(coordinator.AskOutcome{ID: id})
	case 6:
		s.begin(coordinator.AskOutcome{Key: keyOf(arg)})
	case 7:
		s.inquire(name, id)
	case 8:
		o := txc.Committed
		if arg >= 128 {
			o = txc.Aborted
		}
		s.begin(coordinator.AskResolve{ID: id, Participant: cast[int(arg>>4)%len(cast)], Outcome: o, Who: "ann", Why: "tired"})
	case 9:
		s.votes[name] = []protocol.Vote{{Vote: txc.No}, {Vote: txc.No, Certain: true}, {Vote: txc.ReadOnly}, {Vote: txc.Held}}[arg>>4%4%4]
	case 10:
		s.hears(name, arg < 128)
	case 11:
		s.again(arg)
	case 12:
		s.linkage(name, arg)
	case 13:
		s.writes(arg)
	case 14:
		s.restart(arg%2 == 1)
	case 15:
		s.waits(time.Duration(arg) * 50 * time.Millisecond)
	}
}

// id is one that was heard of, or one that was not.
func (s *story) id(arg byte) txc.ID {
	if n := int(arg & 15); n < len(s.ids) {
		return s.ids[len(s.ids)-1-n]
	}
	return []txc.ID{{Coordinator: 1, Epoch: 1, Sequence: 999}, {Coordinator: 2, Epoch: 1, Sequence: 1}, {Coordinator: 1, Epoch: 99, Sequence: 1}}[arg%3]
}

func keyOf(arg byte) string { return []string{"k1", "k1", "k2"}[arg%3] }

// request has a branch for each of three bits, and with the fourth a key.
func (s *story) request(arg byte) coordinator.Request {
	var names []string
	for i, name := range cast {
		if arg&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	r := coordinator.Request{Work: work(names...), Wait: coordinator.Wait(arg >> 7)}
	if arg&8 != 0 || arg&16 != 0 {
		r.Key = keyOf(arg >> 4)
	}
	return r
}

// inquire lets a participant ask about a promise of its own, by its link or without one.
func (s *story) inquire(name string, id txc.ID) {
	f := s.fakes[name]
	d, ok := f.promised[id]
	switch {
	case !ok:
	case f.linked:
		s.say(name, protocol.Message{ID: id, Mark: d.Mark, Body: protocol.Inquiry{Members: d.Members}})
	default:
		token := s.begin(coordinator.AskInquire{Question: coordinator.Question{Participant: name, Instance: f.instance, ID: id, Mark: d.Mark, Members: d.Members}})
		s.asked[token] = branch{id, name}
	}
}

// hears lets a participant hear the oldest message on its way; its reply arrives, or is lost.
func (s *story) hears(name string, arrives bool) {
	f, queue := s.fakes[name], s.wires[name]
	if !f.linked || len(queue) == 0 {
		return
	}
	s.wires[name] = queue[1:]
	replies := f.hear(s.rig.t, queue[0])
	if len(replies) == 0 {
		return
	}
	s.voted(replies)
	if got := (coordinator.Received{Participant: name, Messages: replies}); arrives {
		s.said = append(s.said, got)
		s.step(got)
	}
}

// again lets the core hear something that it has heard before.
func (s *story) again(arg byte) {
	if len(s.said) > 0 {
		s.step(s.said[int(arg)%len(s.said)])
	}
}

// linkage takes a participant's link away, or brings it back; the participant has started anew, or not.
func (s *story) linkage(name string, arg byte) {
	s.wires[name] = nil
	if arg&16 != 0 {
		s.cut(name)
	}
	if arg&32 != 0 {
		s.fakes[name].restart()
	}
	if arg&16 == 0 {
		f := s.fakes[name]
		s.begin(coordinator.AskRegister{Peer: coordinator.Peer{Name: name, Address: "fake", Kind: "fake", Instance: f.instance, Incarnation: f.incarnation, Stamp: f.stamp, Seen: f.seen}})
		s.connect(name)
	}
}

// writes lets the log go on, fail, or lose the process at its most interesting moment.
func (s *story) writes(arg byte) {
	if s.stop != nil || len(s.queue) == 0 {
		return
	}
	switch arg % 8 {
	case 1:
		s.disk.Fail(mem.FailedLost)
	case 2:
		s.disk.Fail(mem.FailedWritten)
	case 3:
		s.disk.Fail(mem.FailedKept)
	case 4: // it is durable, and nobody heard of it
		s.written()
		s.restart(true)
		return
	}
	group := s.queue
	events := s.written()
	s.disk.Fail(mem.None)
	if s.log.Synced() > 0 && len(events) > 0 {
		if _, ok := events[0].(coordinator.Appended); ok {
			s.appended(group)
		}
	}
	s.step(events...)
}

func (s *story) restart(power bool) {
	s.disk.Fail(mem.None)
	s.said, s.wires = nil, map[string][]protocol.Message{}
	s.crash(power)
	s.reopened(s.rig)
}

func (s *story) waits(d time.Duration) {
	s.now = s.now.Add(d)
	if s.stop == nil {
		if err := s.log.Flush(); err != nil {
			s.rig.t.Fatal(err)
		}
	}
	s.step()
}
