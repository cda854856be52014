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

func TestC13_AnotherStoreOrAnOlderOneIsQuarantined(t *testing.T) {
	for _, c := range []struct {
		name    string
		replace func(*fake)
	}{
		{"another identity", func(f *fake) { f.instance[5] = 77 }},
		{"a lower stamp", func(f *fake) { f.stamp -= 2 }},
	} {
		for _, way := range []string{"seen in its hello", "seen at its registration", "seen after a restart"} {
			t.Run(c.name+", "+way, func(t *testing.T) {
				r := newRig(t, coordinator.Options{})
				for i, name := range []string{"a", "b"} {
					f := newFake(name, byte(i+1))
					f.stamp = 100
					r.add(f)
				}
				r.up("a", "b")
				if got := r.commits("a", "b").Result; got.Outcome != txc.Committed {
					t.Fatalf("%+v", got)
				}
				r.pass(11 * time.Second) // the stamps are noted
				c.replace(r.fakes["a"])
				r.fakes["a"].restart()
				switch way {
				case "seen in its hello":
					r.cut("a")
					r.connect("a")
					r.deliver()
				case "seen at its registration":
					r.register("a")
					if r.state("a") != "quarantined" { // a stamp alone may be that of a registration which was late
						r.connect("a")
						r.deliver()
					}
				case "seen after a restart":
					r.crash(true)
					r.connect("b")
					r.connect("a")
					r.deliver()
				}
				quarantined(t, r)
			})
		}
	}
}

func quarantined(t *testing.T, r *rig) {
	t.Helper()
	if r.state("a") != "quarantined" || r.fakes["a"].linked {
		t.Fatalf("it is %s, linked: %v", r.state("a"), r.fakes["a"].linked)
	}
	regs := records[wal.RegistrationBody](r)
	if last := regs[len(regs)-1].Body.(wal.RegistrationBody); last.State != wal.StateQuarantined || last.Instance == r.fakes["a"].instance && last.Stamp <= r.fakes["a"].stamp {
		t.Errorf("%+v", last)
	}
	var ref *txc.Refusal
	if a := r.ask(run(coordinator.Applied, "a", "b")); !errors.As(a.Err, &ref) || ref.Reason.Code != txc.CodeQuarantined {
		t.Errorf("new work: %+v", a)
	}
	if got := r.question("a", tx(1, 1), r.rec.Mark, "a", "b").Answer.Outcome; got != txc.Undecided {
		t.Errorf("it hears %v", got)
	}
	if got := outcome(r, tx(1, 1)); got.Branches[0].State != "hazard" || got.Branches[1].State != "committed" {
		t.Errorf("what it had acknowledged: %+v", got.Branches)
	}
	if a := r.ask(coordinator.AskList{}); !slices.Equal(a.Quarantined, []string{"a"}) {
		t.Errorf("%v", a.Quarantined)
	}
	for range 2 { // it stays so, across restarts, and whatever it says
		r.register("a")
		r.connect("a")
		r.deliver()
		if r.state("a") != "quarantined" {
			t.Fatalf("it is %s", r.state("a"))
		}
		r.crash(true)
		r.connect("b")
		r.deliver()
	}
	if got := outcome(r, tx(1, 50)); got.Outcome != txc.Unknown {
		t.Errorf("presumed for a participant in quarantine: %+v", got)
	}
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveParticipant, Participant: "a", Why: "new disk"}); !errors.Is(a.Err, txc.ErrUnavailable) {
		t.Errorf("accepted unseen: %+v", a)
	}
	if a := r.ask(coordinator.AskRemove{Participant: "a", Why: "no"}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("removed: %+v", a)
	}
	r.connect("a") // it is dialed, and looked at
	r.deliver()
	if a := r.ask(coordinator.AskAccept{What: wal.ResolveParticipant, Participant: "a", Who: "eve", Why: "new disk"}); a.Err != nil {
		t.Fatal(a.Err)
	}
	if r.state("a") != "unheard" {
		t.Errorf("accepted, and %s by its predecessor's hello", r.state("a"))
	}
	r.connect("a")
	r.deliver()
	if r.state("a") != "heard" {
		t.Errorf("it is %s", r.state("a"))
	}
	if got := r.commits("a", "b").Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
	if got := r.ask(coordinator.AskAccept{What: wal.ResolveParticipant, Participant: "a", Why: "twice"}); !errors.Is(got.Err, txc.ErrInvalid) {
		t.Errorf("%+v", got)
	}
	if body := records[wal.ResolutionBody](r)[0].Body.(wal.ResolutionBody); body.Who != "eve" || body.Why != "new disk" || body.Instance != r.fakes["a"].instance {
		t.Errorf("%+v", body)
	}
	r.crash(true)
	r.up("a", "b")
	if r.state("a") != "heard" {
		t.Errorf("after a restart: %s", r.state("a"))
	}
}

func TestC13_OneInQuarantineIsNotToldAndNotWaitedForByOthers(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	n := len(heardBy[protocol.Commit](r.fakes["a"]))
	r.fakes["a"].instance[3] = 9
	r.cut("a")
	r.up("a")
	r.pass(time.Minute)
	if got := len(heardBy[protocol.Commit](r.fakes["a"])); got != n {
		t.Error("it was told a decision")
	}
	if d := r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail; d.State != "committing" || d.Branches[0].State != "unreachable" {
		t.Errorf("%+v", d)
	}
}

func TestC13_QuarantineCountsAtOnce(t *testing.T) {
	r, mark := doubtful(t, coordinator.Options{PresumeAfter: -1, OrphanEvery: time.Hour})
	r.up("c")
	r.fakes["c"].instance[3] = 9
	r.fakes["a"].deaf, r.fakes["b"].deaf = true, true
	r.cut("c")
	r.connect("c")
	r.holdLog = true
	r.deliver() // it is another store; the record is on its way
	r.fakes["a"].deaf, r.fakes["b"].deaf = false, false
	r.connect("a")
	r.connect("b")
	r.deliver()
	if got := r.begin(coordinator.AskInquire{Question: coordinator.Question{Participant: "b", Instance: r.fakes["b"].instance, ID: tx(1, 1), Mark: mark, Members: []string{"b", "c"}}}); r.answer(got).Answer.Outcome != txc.Undecided {
		t.Errorf("presumed by the predecessor's hello: %v", r.answer(got).Answer.Outcome)
	}
}

func TestC13_AnAcceptedStoreIsToBeHeardItself(t *testing.T) {
	for says, shows := range map[string]func(r *rig, f *fake){
		"an older one, seen in its hello":       func(r *rig, f *fake) { f.stamp = 50; r.up("a") },
		"another one, seen at its registration": func(r *rig, f *fake) { f.stamp, f.instance[3] = 50, 9; r.register("a") },
	} {
		t.Run(says, func(t *testing.T) {
			r := newRig(t, coordinator.Options{})
			f := newFake("a", 1)
			f.stamp = 100
			r.add(f)
			r.up("a")
			f.restart()
			shows(r, f)
			if a := r.ask(coordinator.AskAccept{What: wal.ResolveParticipant, Participant: "a", Why: "restored"}); a.Err != nil {
				t.Fatal(a.Err)
			}
			if ps := r.ask(coordinator.AskParticipants{}).Participants; ps[0].State != "unheard" || ps[0].Stamp != 50 {
				t.Errorf("%+v", ps[0])
			}
			if mark, _ := r.watermark("a"); !mark.IsZero() {
				t.Errorf("it may forget below %s", mark)
			}
			r.up("a")
			if r.state("a") != "heard" {
				t.Error(r.state("a"))
			}
		})
	}
}

func TestC13_OneThatCameBackFromGoneIsOnlyLookedAt(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok }
	r.begin(run(coordinator.Decided, "a", "b"))
	r.deliver()
	r.cut("a")
	r.ask(coordinator.AskAccept{What: wal.ResolveGone, Participant: "a", Why: "burnt"})
	n := len(heardBy[protocol.Commit](r.fakes["a"]))
	r.register("a")
	r.connect("a")
	r.deliver()
	if r.state("a") != "quarantined" || r.fakes["a"].linked || len(heardBy[protocol.Commit](r.fakes["a"])) != n {
		t.Errorf("it is %s, linked: %v", r.state("a"), r.fakes["a"].linked)
	}
}
