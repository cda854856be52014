package rpc_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
)

func TestRunOverStreamsCommitsEverywhere(t *testing.T) {
	v := newTown(t, "a", "b")
	c := v.caller()
	tx, err := c.Do(within(t), frame.Run{Branches: works("a", "put x 1", "b", "put y 2")})
	committed(t, tx, err)
	if !tx.Applied || len(tx.Branches) != 2 || tx.Branches[0].State != "committed" {
		t.Fatalf("got %+v", tx)
	}
	if v.shops["a"].store.value("x") != "1" || v.shops["b"].store.value("y") != "2" {
		t.Fatal("applied, and the values are not there")
	}
	tx, err = c.Do(within(t), frame.Run{Branches: works("a", "get x", "b", "get y")})
	committed(t, tx, err)
	if string(tx.Branches[0].Results) != "1" || string(tx.Branches[1].Results) != "2" {
		t.Fatalf("read %q and %q", tx.Branches[0].Results, tx.Branches[1].Results)
	}
	tx, err = c.Do(within(t), frame.Run{Branches: works("a", "put x 9", "b", "refuse")})
	if err != nil || tx.Outcome != txc.Aborted || tx.Reason.Code != txc.CodeRefused || tx.Reason.Participant != "b" {
		t.Fatalf("%v %v: %v", tx.Outcome, tx.Reason, err)
	}
	if v.shops["a"].store.value("x") != "1" {
		t.Fatal("an aborted transaction left something")
	}
}

func TestInteractiveOverStreams(t *testing.T) {
	v := newTown(t, "a", "b")
	c := v.caller()
	tx, err := c.Do(within(t), frame.Begin{Key: "k", Labels: map[string]string{"kind": "test"}})
	if err != nil || tx.ID.IsZero() || tx.Mark == 0 || tx.Outcome != txc.Undecided {
		t.Fatalf("%+v: %v", tx, err)
	}
	if _, err := c.Do(within(t), frame.Enlist{ID: tx.ID, Mark: tx.Mark, Branch: works("a", "put x 1")[0]}); err != nil {
		t.Fatal(err)
	}
	end, err := c.Do(within(t), frame.End{ID: tx.ID, Mark: tx.Mark, Joined: works("b", "put y 2")})
	committed(t, end, err)
	again, err := c.Do(within(t), frame.End{ID: tx.ID, Mark: tx.Mark})
	committed(t, again, err)
	byID, err := c.Do(within(t), frame.Outcome{ID: tx.ID, Mark: tx.Mark})
	committed(t, byID, err)
	byKey, err := c.Do(within(t), frame.Outcome{Key: "k"})
	committed(t, byKey, err)
	if byKey.ID != tx.ID {
		t.Fatalf("the key leads to %v, not %v", byKey.ID, tx.ID)
	}
	gone, err := c.Do(within(t), frame.Begin{})
	if err != nil {
		t.Fatal(err)
	}
	gone, err = c.Do(within(t), frame.End{ID: gone.ID, Mark: gone.Mark, Abort: true, Why: "changed my mind"})
	if err != nil || gone.Outcome != txc.Aborted {
		t.Fatalf("%+v: %v", gone, err)
	}
}

func TestThousandsShareOneStream(t *testing.T) {
	v := newTown(t, "a", "b")
	c := v.caller()
	n := 3000
	if testing.Short() {
		n = 300
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			tx, err := c.Do(within(t), frame.Run{Branches: works("a", fmt.Sprintf("put k%d 1", i), "b", fmt.Sprintf("put k%d 2", i)), Decided: i%2 == 0})
			if err != nil || tx.Outcome != txc.Committed {
				t.Errorf("%d: %v %v: %v", i, tx.Outcome, tx.Reason, err)
			}
		})
	}
	all.Wait()
	v.until("every value is there", func() bool {
		for i := range n {
			if v.shops["b"].store.value(fmt.Sprintf("k%d", i)) != "2" {
				return false
			}
		}
		return true
	})
}

func TestP8ALostLinkIsANoThatIsNotCertain(t *testing.T) {
	v := newTown(t, "a", "b")
	c := v.caller()
	ended := make(chan frame.Tx, 1)
	go func() {
		tx, err := c.Do(within(t), frame.Run{Branches: works("a", "put x 1", "b", "block")})
		if err != nil {
			t.Error(err)
		}
		ended <- tx
	}()
	<-v.shops["b"].store.blocked
	v.shops["b"].close()
	if tx := <-ended; tx.Outcome != txc.Aborted || tx.Reason.Code != txc.CodeLostVote {
		t.Fatalf("%v %v", tx.Outcome, tx.Reason)
	}
	v.until("the promise elsewhere ends", func() bool { return v.shops["a"].store.doubts() == 0 })
}

func TestParticipantIsLinkedAgainWithinASecond(t *testing.T) {
	v := newTown(t, "a", "b")
	c := v.caller()
	for round := range 3 {
		v.shops["b"].close()
		v.shops["b"].open()
		began := time.Now()
		v.until("b takes part again", func() bool {
			tx, err := c.Do(within(t), frame.Run{Branches: works("a", "put x 1", "b", fmt.Sprintf("put y %d", round))})
			return err == nil && tx.Outcome == txc.Committed
		})
		if took := time.Since(began); took > 1500*time.Millisecond {
			t.Errorf("round %d: linked again after %v", round, took)
		}
	}
}

func TestCoordinatorComesBackAndSettlesWhatItHadDecided(t *testing.T) {
	v := newTown(t, "a", "b")
	c := v.caller()
	tx, err := c.Do(within(t), frame.Run{Begin: frame.Begin{Key: "k"}, Branches: works("a", "put x 1", "b", "put y 2")})
	committed(t, tx, err)
	v.halt()
	v.open()
	began := time.Now()
	v.await("a", "b")
	if took := time.Since(began); took > 2500*time.Millisecond {
		t.Errorf("heard again after %v", took)
	}
	old, err := c.Do(within(t), frame.Outcome{ID: tx.ID, Mark: tx.Mark})
	committed(t, old, err)
	next, err := c.Do(within(t), frame.Run{Branches: works("a", "put x 3", "b", "put y 4")})
	committed(t, next, err)
	if next.ID.Epoch <= tx.ID.Epoch {
		t.Fatalf("%v after %v", next.ID, tx.ID)
	}
}

func TestWhatAStreamDoesNotTakeGoesUnary(t *testing.T) {
	v := newTown(t, "a", "b", "c")
	c := v.caller()
	big := func(k string) string { return "put " + k + " " + string(make([]byte, 200<<10)) }
	tx, err := c.Do(within(t), frame.Run{Branches: works("a", big("x"), "b", big("y"), "c", big("z"))})
	committed(t, tx, err)
	_, err = c.Do(within(t), frame.Outcome{ID: txc.ID{Coordinator: 9, Epoch: 1, Sequence: 1}})
	wantCode(t, err, txc.ErrInvalid, txc.CodeWrongCoordinator)
}

func TestEmptyWorkIsShippedNotJoined(t *testing.T) {
	v := newTown(t, "a")
	tx, err := v.caller().Do(within(t), frame.Run{Branches: works("a", "")})
	if err != nil || tx.Reason.Code != txc.CodeBadWork {
		t.Errorf("over a stream: %v: %v", tx.Reason, err)
	}
	r, err := txcpb.NewCoordinatorClient(v.dial()).Run(within(t), &txcpb.RunRequest{Branches: worksPB("a", "")})
	if err != nil || r.GetReason().GetCode() != string(txc.CodeBadWork) {
		t.Errorf("unary: %v: %v", r.GetReason(), err)
	}
}

func TestLargestResultsComeBack(t *testing.T) {
	v := newTown(t, "a", "b", "c", "d", "e")
	c := v.caller()
	tx, err := c.Do(within(t), frame.Run{Branches: works("a", "big", "b", "big", "c", "big", "d", "big")})
	committed(t, tx, err)
	for _, b := range tx.Branches {
		if len(b.Results) != txc.MaxBranchRes {
			t.Fatalf("%s: %d bytes of results", b.Participant, len(b.Results))
		}
	}
	tx, err = c.Do(within(t), frame.Run{Branches: works("a", "big", "b", "big", "c", "big", "d", "big", "e", "big")})
	if err != nil || tx.Outcome != txc.Aborted || tx.Reason.Code != txc.CodeTooLarge {
		t.Fatalf("%v %v: %v", tx.Outcome, tx.Reason, err)
	}
}
