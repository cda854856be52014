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

func TestC13_RemovalDrainsFirst(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	open := r.ask(coordinator.AskBegin{}).Result.ID
	r.ask(coordinator.AskEnlist{ID: open, Work: work("a")[0]})
	r.fakes["a"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	r.holdLog = true
	token := r.begin(coordinator.AskRemove{Participant: "a", Who: "eve", Why: "old"})
	r.unanswered(token)
	r.write()
	if a := r.answer(token); a.Err != nil || r.state("a") != "draining" {
		t.Errorf("%+v, %s", a, r.state("a"))
	}
	if a := r.ask(run(coordinator.Applied, "a")); !errors.Is(a.Err, txc.ErrUnavailable) {
		t.Errorf("a new branch: %+v", a)
	}
	if a := r.ask(coordinator.AskRemove{Participant: "a"}); a.Err != nil {
		t.Errorf("asked again: %v", a.Err)
	}
	r.pass(time.Minute)
	if r.state("a") != "draining" {
		t.Errorf("a record needs it, and it is %s", r.state("a"))
	}
	r.crash(true)
	if r.state("a") != "draining" {
		t.Errorf("after a restart: %s", r.state("a"))
	}
	r.fakes["a"].mute = nil
	orphan := tx(1, 1) // a branch that the coordinator will leave alone: its list is not empty
	r.fakes["a"].ended[orphan] = txc.CommittedBefore
	r.fakes["a"].promised[txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}] = protocol.InDoubt{ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}}
	r.up("a", "b")
	r.pass(time.Minute)
	if r.state("a") != "draining" {
		t.Errorf("its own list is not empty, and it is %s", r.state("a"))
	}
	clear(r.fakes["a"].promised)
	r.pass(time.Minute)
	if r.state("a") != "removed" || r.fakes["a"].linked {
		t.Errorf("it is %s", r.state("a"))
	}
	r.crash(true)
	if slices.Contains(r.dialed, "a") || r.state("a") != "removed" {
		t.Errorf("after a restart: dialed %v, %s", r.dialed, r.state("a"))
	}
	if got := outcome(r, tx(1, 77)); got.Outcome != txc.Unknown {
		t.Errorf("b is not heard: %+v", got)
	}
	r.up("b")
	if got := outcome(r, tx(1, 77)); got.Outcome != txc.Aborted {
		t.Errorf("a removed one is not waited for: %+v", got)
	}
	r.fakes["a"].instance[2] = 4 // it comes back as a new one
	r.up("a")
	if r.state("a") != "heard" {
		t.Errorf("it is %s", r.state("a"))
	}
}

func TestC13_AnEmptyListFromBeforeIsNotEnough(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b") // a's list was empty at its hello
	r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliverOnce()
	r.sent["a"] = nil // it missed the abort
	if len(r.fakes["a"].promised) != 1 {
		t.Fatal("not in doubt")
	}
	r.fakes["a"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.List); return ok }
	r.ask(coordinator.AskRemove{Participant: "a", Why: "old"})
	r.pass(10 * time.Second)
	if r.state("a") != "draining" {
		t.Errorf("it is %s", r.state("a"))
	}
	r.fakes["a"].mute = nil
	r.pass(time.Minute)
	if r.state("a") != "removed" || len(r.fakes["a"].promised) != 0 {
		t.Errorf("it is %s", r.state("a"))
	}
}

func TestC13_ARegistrationDoesNotUndoARemovalOnItsWay(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.holdLog = true
	remove := r.begin(coordinator.AskRemove{Participant: "a", Why: "old"})
	p := r.peer("a")
	p.Address = "elsewhere"
	register := r.begin(coordinator.AskRegister{Peer: p})
	r.write()
	r.answer(remove)
	r.answer(register)
	if ps := r.ask(coordinator.AskParticipants{}).Participants; ps[0].State != "draining" || ps[0].Address != "elsewhere" {
		t.Errorf("%+v", ps[0])
	}
}

func TestC13_AQuarantineIsNotUndoneByARegistrationOnItsWay(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.cut("a")
	r.connect("a")
	r.holdLog = true
	p := r.peer("a")
	p.Version = "2"
	r.begin(coordinator.AskRegister{Peer: p})
	r.fakes["a"].instance[9] = 9
	r.deliver() // its welcome shows another store
	r.write()
	r.connect("a")
	r.deliver()
	if r.state("a") != "quarantined" {
		t.Errorf("it is %s", r.state("a"))
	}
	r.crash(true)
	if r.state("a") != "quarantined" {
		t.Errorf("after a restart: %s", r.state("a"))
	}
}

func TestC12_AParticipantThatIsGoneCountsAsHeard(t *testing.T) {
	r, mark := doubtful(t, coordinator.Options{PresumeAfter: -1})
	r.up("a", "b")
	if got := r.question("a", tx(1, 1), mark, "a", "b", "c").Answer.Outcome; got != txc.Undecided {
		t.Errorf("%v", got)
	}
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveGone, Participant: "a", Why: "no"}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("one that answers: %+v", a)
	}
	r.holdLog = true
	token := r.begin(coordinator.AskAccept{What: wal.ResolveGone, Participant: "c", Who: "eve", Why: "burnt"})
	if got := r.question("a", tx(1, 1), mark, "a", "b", "c").Answer.Outcome; got != txc.Undecided {
		t.Errorf("not durable yet: %v", got)
	}
	r.unanswered(token)
	r.write()
	if r.answer(token).Err != nil || r.state("c") != "gone" {
		t.Errorf("%+v", r.answer(token))
	}
	if got := r.question("a", tx(1, 1), mark, "a", "b", "c").Answer.Outcome; got != txc.Aborted {
		t.Errorf("%v", got)
	}
	r.crash(true)
	if slices.Contains(r.dialed, "c") || r.state("c") != "gone" {
		t.Errorf("after a restart: %v, %s", r.dialed, r.state("c"))
	}
	r.up("a", "b")
	if got := r.question("b", tx(1, 1), mark, "a", "b", "c").Answer.Outcome; got != txc.Aborted {
		t.Errorf("%v", got)
	}
	if a := r.ask(run(coordinator.Applied, "c")); a.Err == nil {
		t.Error("new work for one that is gone")
	}
	r.register("c") // it comes back after all
	if r.state("c") != "quarantined" {
		t.Errorf("it is %s", r.state("c"))
	}
	r.crash(true)
	if r.state("c") != "quarantined" {
		t.Errorf("after a restart: %s", r.state("c"))
	}
	r.up("a", "b")
	if got := r.question("a", tx(1, 7), mark, "a", "b", "c").Answer.Outcome; got != txc.Undecided {
		t.Errorf("presumed without one that came back and is not accepted: %v", got)
	}
	r.register("c")
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveParticipant, Participant: "c", Why: "it was only the cable"}); a.Err != nil {
		t.Error(a.Err)
	}
	r.connect("c")
	r.deliver()
	if r.state("c") != "heard" {
		t.Errorf("accepted: %s", r.state("c"))
	}
}

func TestAcceptAndRemoveRefuseWhatMakesNoSense(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	for name, ev := range map[string]coordinator.AskAccept{
		"something":       {What: "something", Participant: "a", Why: "w"},
		"no reason":       {What: wal.ResolveGone, Participant: "a"},
		"not quarantined": {What: wal.ResolveParticipant, Participant: "a", Why: "w"},
		"no loss":         {What: wal.ResolveLoss, Why: "w"},
	} {
		if a := r.ask(ev); !errors.Is(a.Err, txc.ErrInvalid) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveGone, Participant: "nobody", Why: "w"}); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("%+v", a)
	}
	if a := r.ask(coordinator.AskRemove{Participant: "nobody", Why: "w"}); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("%+v", a)
	}
	if a := r.ask(coordinator.AskRegister{Peer: coordinator.Peer{Name: "Not ok"}}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("%+v", a)
	}
}

func TestP12_TheHighestStampIsNotedLazily(t *testing.T) {
	r := newRig(t, coordinator.Options{})
	f := newFake("a", 1)
	f.stamp = 10
	r.add(f)
	r.up("a")
	n := len(records[wal.RegistrationBody](r))
	for range 5 {
		r.commits("a")
	}
	if len(records[wal.RegistrationBody](r)) != n {
		t.Error("each stamp was recorded")
	}
	r.pass(11 * time.Second)
	regs := records[wal.RegistrationBody](r)
	if len(regs) != n+1 || regs[n].Body.(wal.RegistrationBody).Stamp != f.stamp || f.stamp != 20 {
		t.Errorf("%+v, stamp %d", regs[len(regs)-1], f.stamp)
	}
}
