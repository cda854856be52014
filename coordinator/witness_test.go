package coordinator_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// doubtful leaves a and b in doubt about c1.1.1, which has no record, and c away: the coordinator crashed before it
// decided.
func doubtful(t *testing.T, o coordinator.Options) (r *rig, mark uint64) {
	r = newRig(t, o, "a", "b", "c")
	mark = r.mark
	r.fakes["c"].deaf = true
	r.begin(run(coordinator.Decided, "a", "b", "c"))
	r.deliver()
	r.crash(true)
	r.fakes["c"].deaf = false
	if len(r.fakes["a"].promised) != 1 {
		t.Fatal("a is not in doubt")
	}
	return r, mark
}

func TestC6_NothingIsPresumedBeforeEveryMemberIsHeard(t *testing.T) {
	r, mark := doubtful(t, coordinator.Options{PresumeAfter: -1})
	members := []string{"a", "b", "c"}
	r.up("a")
	if got := r.question("a", tx(1, 1), mark, members...).Answer.Outcome; got != txc.Undecided {
		t.Errorf("the asker alone is heard: %v", got)
	}
	r.up("b")
	if got := r.question("a", tx(1, 1), mark, members...).Answer.Outcome; got != txc.Undecided {
		t.Errorf("c is not heard: %v", got)
	}
	if got := r.question("a", tx(1, 1), mark, "a", "b").Answer.Outcome; got != txc.Aborted {
		t.Errorf("all members are heard, a stranger is not: %v", got)
	}
	if got := r.question("a", tx(1, 1), mark).Answer.Outcome; got != txc.Undecided {
		t.Errorf("members unknown, not every participant is heard: %v", got)
	}
	r.pass(10 * time.Minute)
	if got := r.question("b", tx(1, 1), mark, members...).Answer.Outcome; got != txc.Undecided {
		t.Errorf("after ten minutes: %v", got)
	}
	if r.up("c"); len(records[wal.PresumedBody](r)) != 0 {
		t.Error("a presumption was recorded")
	}
	if got := r.question("a", tx(1, 1), mark, members...).Answer.Outcome; got != txc.Aborted {
		t.Errorf("all are heard: %v", got)
	}
	if r.question("a", tx(1, 1), mark).Answer.Outcome != txc.Aborted {
		t.Error("members unknown, all are heard")
	}
}

func TestC6_AHelloCountsOnceAllThatIsShownWasLookedAt(t *testing.T) {
	r, mark := doubtful(t, coordinator.Options{PresumeAfter: -1})
	r.fakes["a"].markers = []protocol.Proof{{ID: tx(1, 1), Mark: mark}} // it lies: this was never recorded
	r.connect("a")
	r.up("b", "c")
	r.deliver()
	if got := r.question("b", tx(1, 1), mark, "a", "b", "c").Answer.Outcome; got != txc.Undecided {
		t.Errorf("%v", got)
	}
	if r.stop != nil || r.ask(coordinator.AskStatus{}).Status.State != "refusing" {
		t.Error("a marker without a record proves a loss")
	}
}

func TestC6_AfterAMinuteTheAbsentAreNotWaitedFor(t *testing.T) {
	r, mark := doubtful(t, coordinator.Options{OrphanEvery: time.Hour})
	members := []string{"a", "b", "c"}
	r.up("a", "b")
	r.pass(59 * time.Second)
	if got := r.question("a", tx(1, 1), mark, members...).Answer.Outcome; got != txc.Undecided {
		t.Errorf("before: %v", got)
	}
	r.pass(2 * time.Second)
	r.holdLog = true
	token := r.begin(coordinator.AskInquire{Question: coordinator.Question{Participant: "a", Instance: r.fakes["a"].instance, ID: tx(1, 1), Mark: mark, Members: members}})
	r.unanswered(token)
	r.write()
	if got := r.answer(token).Answer.Outcome; got != txc.Aborted {
		t.Errorf("after: %v", got)
	}
	p := records[wal.PresumedBody](r)
	if len(p) != 1 || p[0].ID != tx(1, 1) || p[0].Body.(wal.PresumedBody).Absent[0] != "c" {
		t.Fatalf("%+v", p)
	}
	if s := r.ask(coordinator.AskStatus{}).Status; !strings.Contains(strings.Join(s.WaitingFor, "; "), "c1.1.1 was presumed aborted without c") {
		t.Errorf("%v", s.WaitingFor)
	}
	if all := r.ask(coordinator.AskList{}).List; len(all) != 1 || !all[0].Presumed || len(all[0].WaitsFor) != 1 {
		t.Errorf("%+v", all)
	}
	r.crash(true) // it stays recorded
	r.up("a", "b")
	if got := r.question("b", tx(1, 1), mark, members...).Answer.Outcome; got != txc.Aborted {
		t.Errorf("presumed before the restart: %v", got)
	}
	r.up("c")
	if p := records[wal.PresumedBody](r); len(p) != 2 || !p[1].Body.(wal.PresumedBody).Checked {
		t.Errorf("c came back: %+v", p)
	}
	if all := r.ask(coordinator.AskList{}).List; len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestC6_WhoComesBackWithWhatWasPresumedAwayIsNoticed(t *testing.T) {
	r, mark := doubtful(t, coordinator.Options{})
	r.up("a", "b")
	r.pass(2 * time.Minute)
	r.question("a", tx(1, 1), mark, "a", "b", "c")
	r.fakes["c"].markers = []protocol.Proof{{ID: tx(1, 1), Mark: mark}}
	r.up("c")
	s := r.ask(coordinator.AskStatus{}).Status
	if s.State != "refusing" || len(records[wal.StoppedBody](r)) != 1 {
		t.Errorf("%+v", s)
	}
	if p := records[wal.PresumedBody](r); len(p) != 1 {
		t.Errorf("counted as checked: %+v", p)
	}
}

func TestC6_ClientsGuessesHaveABound(t *testing.T) {
	r, mark := doubtful(t, coordinator.Options{OrphanEvery: time.Hour})
	r.up("a", "b")
	r.pass(2 * time.Minute)
	for i := range 3000 {
		r.step(coordinator.AskOutcome{Token: "guess", ID: tx(1, uint64(1000+i))})
		delete(r.answers, "guess")
	}
	if n := len(records[wal.PresumedBody](r)); n != 1024 {
		t.Errorf("%d presumptions", n)
	}
	if got := r.question("a", tx(1, 1), mark, "a", "b", "c").Answer.Outcome; got != txc.Aborted {
		t.Errorf("a participant's own question: %v", got)
	}
}

// What the log would refuse is not given to it (C3): of members that cannot be, all participants are meant.
func TestC6_MembersThatCannotBeAreNotKnown(t *testing.T) {
	for _, c := range []struct {
		name    string
		members []string
	}{
		{"a name that no participant has", []string{"a", "b", strings.Repeat("x", wal.MaxRecord)}},
		{"more than a transaction has", slices.Repeat([]string{"a"}, 2000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, mark := doubtful(t, coordinator.Options{OrphanEvery: time.Hour})
			r.up("a", "b")
			r.pass(2 * time.Minute)
			if got := r.question("a", tx(1, 1), mark, c.members...).Answer.Outcome; r.stop != nil || got != txc.Aborted {
				t.Fatalf("%v, %v", got, r.stop)
			}
			if p := records[wal.PresumedBody](r); len(p) != 1 || !slices.Equal(p[0].Body.(wal.PresumedBody).Absent, []string{"c"}) {
				t.Errorf("%+v", p)
			}
		})
	}
}
