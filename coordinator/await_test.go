package coordinator_test

import (
	"errors"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
)

// Whoever waits for participants is answered when all of them are heard, and not before.
func TestAwaitIsAnsweredWhenAllAreHeard(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "bank-a")
	r.add(newFake("bank-b", 9))
	r.step(coordinator.AskHeard{Token: "both", Names: []string{"bank-a", "bank-b"}}, coordinator.AskHeard{Token: "one", Names: []string{"bank-a"}})
	if _, ok := r.answers["one"]; !ok {
		t.Error("bank-a is heard, and who waits for it alone is not told")
	}
	r.register("bank-b")
	if _, ok := r.answers["both"]; ok {
		t.Error("told before bank-b was linked")
	}
	r.connect("bank-b")
	r.deliver()
	if _, ok := r.answers["both"]; !ok {
		t.Error("both are heard, and nobody is told")
	}
}

func TestC10_WhoWaitsForAParticipantThatDoesNotComeIsForgottenInTime(t *testing.T) {
	r := newRig(t, coordinator.Options{})
	for range 5000 {
		r.step(coordinator.AskHeard{Token: "late", Names: []string{"bank-a"}, Until: r.now})
		delete(r.answers, "late")
		r.now = r.now.Add(time.Millisecond)
		r.step()
		if a := r.answer("late"); !errors.Is(a.Err, txc.ErrUnavailable) {
			t.Fatalf("%+v", a)
		}
		delete(r.answers, "late")
	}
}
