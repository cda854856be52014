package coordinator_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

func (r *rig) state(name string) string {
	r.t.Helper()
	for _, p := range r.ask(coordinator.AskParticipants{}).Participants {
		if p.Name == name {
			return p.State
		}
	}
	return "unknown"
}

func (r *rig) peer(name string) coordinator.Peer {
	f := r.fakes[name]
	return coordinator.Peer{Name: name, Address: "fake", Kind: "fake", Instance: f.instance, Incarnation: f.incarnation, Stamp: f.stamp}
}

// commits runs a transaction over the participants and says how it ended.
func (r *rig) commits(names ...string) coordinator.Answered {
	r.t.Helper()
	token := r.begin(run(coordinator.Applied, names...))
	r.deliver()
	return r.answer(token)
}

func TestC13_ARegistrationIsDurableBeforeItIsAnswered(t *testing.T) {
	r := newRig(t, coordinator.Options{})
	r.add(newFake("a", 1))
	r.holdLog = true
	token := r.begin(coordinator.AskRegister{Peer: r.peer("a")})
	r.unanswered(token)
	if a := r.ask(run(coordinator.Applied, "a")); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("new work: %+v", a)
	}
	r.write()
	if a := r.answer(token); a.Err != nil || a.Opening.Epoch != 1 || a.Opening.Mark != r.mark || a.Opening.Cluster != "test" || a.Opening.Coordinator != 1 {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(r.dialed, []string{"a"}) {
		t.Errorf("dialed %v", r.dialed)
	}
	r.connect("a")
	r.deliver()
	if r.state("a") != "heard" {
		t.Error(r.state("a"))
	}
	r.crash(true)
	if !slices.Equal(r.dialed, []string{"a"}) || r.state("a") != "unheard" {
		t.Errorf("after a restart: dialed %v, %s", r.dialed, r.state("a"))
	}
}

func TestC13_TheSameAgainIsNoNews(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	n, dialed := len(records[wal.RegistrationBody](r)), len(r.dialed)
	if a := r.register("a"); a.Err != nil {
		t.Error(a.Err)
	}
	if len(records[wal.RegistrationBody](r)) != n || len(r.dialed) != dialed {
		t.Error("it was recorded, or dialed, again")
	}
	r.cut("a")
	r.register("a")
	if len(records[wal.RegistrationBody](r)) != n || len(r.dialed) != dialed+1 {
		t.Error("without a link it is dialed at once")
	}
	r.up("a")
	dialed = len(r.dialed)
	r.fakes["a"].restart()
	r.register("a")
	if len(r.dialed) != dialed+1 {
		t.Error("it says that it restarted: the link is made again")
	}
}

func TestC13_ANewAddressIsSimplyTaken(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].deaf = true
	token := r.begin(run(coordinator.Applied, "a", "b"))
	p := r.peer("a")
	p.Address = "elsewhere"
	dialed := len(r.dialed)
	if a := r.ask(coordinator.AskRegister{Peer: p}); a.Err != nil {
		t.Fatal(a.Err)
	}
	if got := r.answer(token).Result; got.Reason.Code != txc.CodeLostVote {
		t.Errorf("what was under way on the old link: %+v", got)
	}
	if len(r.dialed) != dialed+1 {
		t.Errorf("dialed %v", r.dialed)
	}
	if ps := r.ask(coordinator.AskParticipants{}).Participants; ps[0].Address != "elsewhere" || ps[0].State != "unheard" {
		t.Errorf("%+v", ps[0])
	}
	r.fakes["a"].deaf = false
	r.connect("a")
	r.deliver()
	if got := r.commits("a", "b").Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
}

func TestC13_ARegistrationOfAnEarlierStartIsLate(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].stamp = 50
	late := r.peer("a")
	late.Address = "where it was"
	r.fakes["a"].restart()
	r.fakes["a"].stamp = 60
	r.up("a")
	dialed := len(r.dialed)
	if a := r.ask(coordinator.AskRegister{Peer: late}); a.Err != nil {
		t.Error(a.Err)
	}
	if ps := r.ask(coordinator.AskParticipants{}).Participants; ps[0].Address != "fake" || ps[0].State != "heard" || len(r.dialed) != dialed {
		t.Errorf("%+v, dialed %v", ps[0], r.dialed)
	}
}

func TestC13_AWelcomeOfSomebodyElseIsNone(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	r.cut("a")
	r.connect("a")
	r.sent["a"] = nil
	r.say("a", protocol.Message{Body: protocol.Welcome{Name: "b", Instance: [16]byte{9}}})
	if !slices.Contains(r.hungUp, "a") || r.state("a") != "unheard" {
		t.Errorf("hung up %v, %s", r.hungUp, r.state("a"))
	}
}

func TestP12_AStampShownWhileARegistrationIsWrittenCounts(t *testing.T) {
	r := newRig(t, coordinator.Options{})
	f := newFake("a", 1)
	f.stamp = 10
	r.add(f)
	r.up("a")
	r.holdLog = true
	p := r.peer("a")
	p.Version = "2"
	r.begin(coordinator.AskRegister{Peer: p})
	r.say("a", protocol.Message{ID: tx(1, 1), Mark: r.mark, Body: protocol.Fated{Fate: txc.AbortedNow, Stamp: 30}})
	r.write()
	if ps := r.ask(coordinator.AskParticipants{}).Participants; ps[0].Stamp != 30 || ps[0].Version != "2" {
		t.Errorf("%+v", ps[0])
	}
	n := len(records[wal.RegistrationBody](r))
	f.stamp = 40
	p.Stamp = 40
	r.ask(coordinator.AskRegister{Peer: p})
	if len(records[wal.RegistrationBody](r)) != n {
		t.Error("a stamp alone was recorded at once")
	}
}

func TestC13_AnAbortedMixedTransactionKeepsItsParticipant(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
	r.fakes["a"].fate = fated(txc.CommittedBefore)
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	clear(r.fakes["a"].promised)
	r.ask(coordinator.AskRemove{Participant: "a", Why: "old"})
	r.pass(time.Minute)
	if r.state("a") != "draining" {
		t.Errorf("it is %s", r.state("a"))
	}
	r.ask(coordinator.AskAcknowledge{ID: tx(1, 1), Why: "seen"})
	r.pass(time.Minute)
	if r.state("a") != "removed" {
		t.Errorf("it is %s", r.state("a"))
	}
}

func TestC13_AListThatIsOlderThanABranchesEndIsNotItsProof(t *testing.T) {
	r := newRig(t, coordinator.Options{OrphanEvery: 10 * time.Second}, "a", "b")
	r.fakes["b"].deaf = true
	r.begin(coordinator.AskRun{Request: coordinator.Request{Timeout: 15 * time.Second, Work: work("a", "b")}})
	prepare := r.sent["a"]
	r.sent["a"] = nil // slow: it is being executed
	r.ask(coordinator.AskRemove{Participant: "a", Why: "old"})
	r.fakes["a"].deaf = true
	r.pass(14 * time.Second)
	if len(sentTo[protocol.List](r, "a")) == 0 {
		t.Fatal("it was not asked for its list")
	}
	listed := r.fakes["a"].page("") // empty
	r.sent["a"] = nil
	r.pass(2 * time.Second) // the transaction ends
	for _, m := range prepare {
		r.fakes["a"].hear(t, m)
	}
	r.sent["a"] = nil // it missed the abort
	r.say("a", protocol.Message{Body: listed})
	r.now = r.now.Add(time.Second)
	r.step()
	r.step()
	if r.state("a") != "draining" {
		t.Errorf("it is %s", r.state("a"))
	}
	r.fakes["a"].deaf = false
	r.pass(time.Minute)
	if r.state("a") != "removed" || len(r.fakes["a"].promised) != 0 {
		t.Errorf("it is %s", r.state("a"))
	}
	if got := r.question("a", tx(1, 1), r.mark, "a", "b").Answer.Outcome; got != txc.Aborted {
		t.Errorf("should it ask all the same, it hears %v", got)
	}
}
