package coordinator_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/wal"
)

func TestC13_AParticipantThatRunsOnStaysRemoved(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.ask(coordinator.AskRemove{Participant: "a", Why: "old"})
	r.pass(time.Minute)
	if r.state("a") != "removed" {
		t.Fatalf("it is %s", r.state("a"))
	}
	if a := r.register("a"); a.Err != nil || r.state("a") != "removed" { // its link was closed: it asks for another
		t.Errorf("%v, and it is %s", a.Err, r.state("a"))
	}
	r.fakes["a"].restart()
	r.register("a")
	r.connect("a")
	r.deliver()
	if r.state("a") != "heard" {
		t.Errorf("started again, it is %s", r.state("a"))
	}
}

func TestC13_WhatMemoryHoldsOfOneInQuarantineIsAHazardToo(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	if got := r.commits("a", "b").Result; got.Outcome != txc.Committed {
		t.Fatalf("%+v", got)
	}
	r.fakes["a"].instance[5] = 77
	r.fakes["a"].restart()
	r.register("a")
	list := func() []coordinator.BranchResult {
		t.Helper()
		a := r.ask(coordinator.AskList{})
		if len(a.List) != 1 {
			t.Fatalf("%+v", a.List)
		}
		return a.List[0].Branches
	}
	if b := list(); b[0].State != "hazard" || b[1].State != "committed" {
		t.Errorf("%+v", b)
	}
	r.ask(coordinator.AskAccept{What: wal.ResolveParticipant, Participant: "a", Why: "checked"})
	if b := list(); b[0].State != "committed" {
		t.Errorf("accepted, and %+v", b)
	}
}
