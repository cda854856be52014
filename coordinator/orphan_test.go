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

// orphans leaves n transactions of this opening aborted with branches at a that missed it.
func orphans(t *testing.T, n int, o coordinator.Options) *rig {
	r := newRig(t, o, "a", "b")
	r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
	for range n {
		r.begin(run(coordinator.Applied, "a", "b"))
		r.deliverOnce() // a votes yes, b no
		r.sent["a"] = nil
	}
	r.fakes["b"].vote = nil
	if len(r.fakes["a"].promised) != n {
		t.Fatalf("%d in doubt", len(r.fakes["a"].promised))
	}
	return r
}

func lists(f *fake) (pages []string) {
	for _, m := range heardBy[protocol.List](f) {
		pages = append(pages, m.Body.(protocol.List).Page)
	}
	return pages
}

func TestC9_OrphansAreFoundAtTheStartAndPeriodically(t *testing.T) {
	r := orphans(t, 3, coordinator.Options{})
	r.pass(29 * time.Second)
	if len(r.fakes["a"].promised) != 3 {
		t.Error("before the time")
	}
	r.pass(2 * time.Second)
	if len(r.fakes["a"].promised) != 0 {
		t.Error("they are left")
	}
	r = orphans(t, 3, coordinator.Options{})
	r.crash(true)
	r.up("b", "a")
	if len(r.fakes["a"].promised) != 0 {
		t.Error("left at a start")
	}
	r = orphans(t, 1, coordinator.Options{})
	r.cut("a")
	r.up("a")
	if len(r.fakes["a"].promised) != 0 {
		t.Error("left when it came back")
	}
}

func TestC9_OfAnOlderOpeningOnlyWhenItsMembersAreHeard(t *testing.T) {
	r := orphans(t, 3, coordinator.Options{})
	r.crash(true)
	r.up("a")
	r.pass(50 * time.Second)
	if len(r.fakes["a"].promised) != 3 {
		t.Error("b was not heard")
	}
	r.up("b")
	if len(r.fakes["a"].promised) != 0 {
		t.Error("they are left until the next round")
	}
}

func TestC9_PIsReadToItsEndAndQIsANewListing(t *testing.T) {
	r := orphans(t, 7, coordinator.Options{})
	f := r.fakes["a"]
	f.pageSize, f.heard = 3, nil
	r.pass(31 * time.Second)
	if got, want := lists(f), []string{"", "c1.1.3", "c1.1.6", "", "c1.1.3", "c1.1.6"}; !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
	if len(f.promised) != 0 {
		t.Errorf("%d are left", len(f.promised))
	}
	f.heard = nil
	r.pass(30 * time.Second)
	if got := lists(f); !slices.Equal(got, []string{""}) {
		t.Errorf("nothing is prepared: asked for %q", got)
	}
}

func TestC9_WhatRunsIsLeftAloneHoweverLongItsListIs(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	for range 10 {
		r.begin(coordinator.AskRun{Request: coordinator.Request{Timeout: 5 * time.Minute, Work: work("a", "b")}})
	}
	f := r.fakes["a"]
	f.pageSize = 2
	r.deliver()
	f.heard = nil
	r.pass(31 * time.Second)
	if n := len(lists(f)); n != 5 {
		t.Errorf("asked for %d pages", n)
	}
	if len(heardBy[protocol.Abort](f)) != 0 || len(f.promised) != 10 {
		t.Error("a running transaction was touched")
	}
}

func TestC9_ATransactionThatBeganAfterTheSearchDidIsLeftAlone(t *testing.T) {
	r := orphans(t, 1, coordinator.Options{})
	f := r.fakes["a"]
	r.fakes["b"].deaf = true
	r.now = r.now.Add(31 * time.Second)
	r.holdFind = true
	r.step() // the list is asked for
	if len(sentTo[protocol.List](r, "a")) != 1 {
		t.Fatal("no search")
	}
	token := r.begin(run(coordinator.Applied, "a", "b")) // and now one begins, and is prepared before the list is made
	prepare := sentTo[protocol.Prepare](r, "a")[0]
	list := sentTo[protocol.List](r, "a")[0]
	r.sent["a"] = []protocol.Message{prepare, list}
	r.deliver()
	r.find() // T: no record, it is still being voted on
	r.deliver()
	if len(heardBy[protocol.Abort](f)) != 1 || f.ended[tx(1, 1)] != txc.AbortedBefore {
		t.Errorf("the orphan: %v", f.ended)
	}
	if _, ok := f.promised[tx(1, 2)]; !ok {
		t.Fatal("a running transaction was touched")
	}
	r.fakes["b"].deaf = false
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Committed || !got.Applied {
		t.Errorf("%+v", got)
	}
}

func TestC9_OneThatIsNoLongerPreparedIsNotTouched(t *testing.T) {
	r := orphans(t, 1, coordinator.Options{})
	f := r.fakes["a"]
	r.now = r.now.Add(31 * time.Second)
	r.holdFind = true
	r.step()
	r.deliver() // P
	delete(f.promised, tx(1, 1))
	r.find() // T, then Q
	r.deliver()
	if n := len(heardBy[protocol.Abort](f)); n != 0 {
		t.Errorf("%d aborts", n)
	}
}

func TestC9_AnUnreadableLogLeavesEverythingAlone(t *testing.T) {
	r := orphans(t, 2, coordinator.Options{})
	r.begin(run(coordinator.Applied, "a", "b")) // leaves a marker
	r.deliver()
	r.flush()
	r.findErr = errors.New("damaged")
	r.pass(31 * time.Second)
	if len(r.fakes["a"].promised) != 2 {
		t.Error("something was ended")
	}
	r.crash(true)
	r.up("a", "b")
	if s := r.ask(coordinator.AskParticipants{}).Participants[0].State; s != "unheard" {
		t.Errorf("a marker could not be looked up, and it is %s", s)
	}
	r.findErr = nil
	r.pass(31 * time.Second)
	if len(r.fakes["a"].promised) != 0 {
		t.Error("not looked at again")
	}
	if s := r.ask(coordinator.AskParticipants{}).Participants[0].State; s != "heard" {
		t.Errorf("it is %s", s)
	}
}

func TestC9_AnUnreadableLogIsNoRecord(t *testing.T) {
	r := orphans(t, 2, coordinator.Options{})
	r.findErr = errors.New("damaged")
	r.pass(time.Minute)
	if len(heardBy[protocol.Abort](r.fakes["a"])) != 0 {
		t.Error("something was ended")
	}
}

func TestC9_OneThatIsSettledByHandMeanwhileIsNotTouched(t *testing.T) {
	r := orphans(t, 1, coordinator.Options{})
	f := r.fakes["a"]
	r.now = r.now.Add(31 * time.Second)
	r.holdFind = true
	r.step()
	r.deliver() // P
	settled := f.promised[tx(1, 1)]
	settled.Settled = txc.CommittedBefore
	f.promised[tx(1, 1)] = settled
	r.find() // T, then Q
	r.deliver()
	if n := len(heardBy[protocol.Abort](f)); n != 0 {
		t.Errorf("%d aborts", n)
	}
}

func TestC9_NothingIsEndedWhileALossStands(t *testing.T) {
	r := orphans(t, 1, coordinator.Options{})
	r.crash(true)
	r.fakes["b"].markers = []protocol.Proof{{ID: tx(1, 5), Mark: r.mark - 1}} // it shows what the log does not have
	r.connect("b")
	r.deliver()
	r.fakes["b"].markers = nil
	r.pass(time.Minute)
	r.up("a")
	r.pass(2 * time.Minute)
	if len(r.fakes["a"].promised) != 1 || len(records[wal.PresumedBody](r)) != 0 {
		t.Error("it was presumed")
	}
}

func TestC9_ARecordedOneIsCommitted(t *testing.T) {
	r := orphans(t, 1, coordinator.Options{})
	r.now = r.now.Add(31 * time.Second)
	r.holdFind = true
	r.step()
	r.deliver()
	record := wal.New(tx(1, 1), epoch0, wal.CommitBody{Members: []wal.Member{{Participant: "a", Evidence: []byte("its own")}}})
	r.step(coordinator.Found{Lookup: r.lookups[0], ID: tx(1, 1), Record: record, OK: true})
	r.deliver()
	if c := heardBy[protocol.Commit](r.fakes["a"]); len(c) != 1 || string(c[0].Body.(protocol.Commit).Evidence) != "its own" {
		t.Errorf("%+v", c)
	}
}

func TestC9_ForeignAndSettledBranchesAreNotTouched(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	f := r.fakes["a"]
	foreign := txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}
	f.promised[foreign] = protocol.InDoubt{ID: foreign, Mark: 3}
	r.fakes["b"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliverOnce()
	r.sent["a"] = nil
	settled := f.promised[tx(1, 1)]
	settled.Settled = txc.CommittedBefore
	f.promised[tx(1, 1)] = settled
	r.pass(time.Minute)
	if len(heardBy[protocol.Abort](f)) != 0 || r.stop != nil {
		t.Errorf("touched, or stopped: %v", r.stop)
	}
}

func TestC9_BelowTheFloorOfAStoreWithoutAStampIsLeftAlone(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.flush()
	if err := r.log.Drop(r.log.Synced()); err != nil {
		t.Fatal(err)
	}
	// restored from a copy: it is in doubt about what it had committed
	f := r.fakes["a"]
	delete(f.ended, tx(1, 1))
	f.markers = nil
	f.promised[tx(1, 1)] = protocol.InDoubt{ID: tx(1, 1), Mark: r.mark, Members: []string{"a", "b"}}
	r.pass(time.Minute)
	if _, ok := f.promised[tx(1, 1)]; !ok {
		t.Error("it was ended")
	}
}

func TestC9_OneThatAcknowledgedAndForgotIsLeftAlone(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.begin(run(coordinator.Applied, "a", "b"))
	r.deliver()
	r.flush()
	f := r.fakes["a"]
	n := len(heardBy[protocol.Commit](f))
	f.promised[tx(1, 1)] = protocol.InDoubt{ID: tx(1, 1), Mark: r.mark, Members: []string{"a", "b"}}
	r.pass(time.Minute)
	if len(heardBy[protocol.Commit](f)) != n || len(heardBy[protocol.Abort](f)) != 0 {
		t.Error("the history was told to it as if it were news")
	}
}

func TestC10_AListThatNeverComesIsAskedForAgain(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	f := r.fakes["a"]
	f.mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.List); return ok }
	r.crash(true)
	r.up("a", "b")
	if s := r.ask(coordinator.AskParticipants{}).Participants[0].State; s != "unheard" {
		t.Errorf("%s", s)
	}
	r.pass(time.Minute)
	if n := len(lists(f)); n < 5 || n > 10 {
		t.Errorf("asked %d times in a minute", n)
	}
	r.cut("a")
	r.up("a")
	f.mute = nil
	r.pass(3 * time.Second)
	if s := r.ask(coordinator.AskParticipants{}).Participants[0].State; s != "heard" {
		t.Errorf("%s", s)
	}
}
