package coordinator_test

import (
	"errors"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

func keyed(key string, names ...string) coordinator.AskRun {
	return coordinator.AskRun{Request: coordinator.Request{Key: key, Work: work(names...)}}
}

func TestC11_ASecondRequestJoinsTheOneThatRuns(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	first := r.begin(keyed("k", "a", "b"))
	r.deliver()
	second := r.begin(keyed("k", "b", "a")) // the same work in another order
	decided := r.begin(coordinator.AskRun{Request: coordinator.Request{Key: "k", Work: work("a", "b"), Wait: coordinator.Decided}})
	r.unanswered(second)
	r.fakes["b"].deaf = false
	r.deliver()
	for _, token := range []string{first, second, decided} {
		if got := r.answer(token).Result; got.ID != tx(1, 1) || got.Outcome != txc.Committed || got.Key != "k" {
			t.Errorf("%+v", got)
		}
	}
	if n := len(heardBy[protocol.Prepare](r.fakes["a"])); n != 1 {
		t.Errorf("prepared %d times", n)
	}
}

func TestC11_TheFirstOutcomeIsToldAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(*rig)
	}{
		{"while its end is not durable", func(*rig) {}},
		{"after its end", func(r *rig) { r.flush() }},
		{"across a restart", func(r *rig) { r.crash(true); r.up("a", "b") }},
		{"across a restart, nobody heard", func(r *rig) { r.crash(true) }},
		{"after its record was dropped from the history", func(r *rig) {
			r.flush()
			if err := r.log.Drop(r.log.Synced()); err != nil {
				r.t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			r.begin(keyed("k", "a", "b"))
			r.deliver()
			c.then(r)
			token := r.begin(coordinator.AskRun{Request: coordinator.Request{Key: "k", Work: work("a", "b"), Wait: coordinator.Decided, FirstSentAgo: time.Second}})
			r.deliver()
			if got := r.answer(token).Result; got.ID != tx(1, 1) || got.Outcome != txc.Committed || !got.Replayed || got.Key != "k" {
				t.Errorf("%+v", got)
			}
			if got := r.ask(coordinator.AskOutcome{Key: "k"}).Result; got.ID != tx(1, 1) || got.Outcome != txc.Committed {
				t.Errorf("asked by key: %+v", got)
			}
			if got := r.ask(coordinator.AskBegin{Request: coordinator.Request{Key: "k"}}).Result; got.ID != tx(1, 1) {
				t.Errorf("begun: %+v", got)
			}
			if a := r.ask(keyed("k", "a")); !errors.Is(a.Err, txc.ErrKeyReused) {
				t.Errorf("another request: %+v", a)
			}
			if n := len(heardBy[protocol.Prepare](r.fakes["a"])); n != 1 {
				t.Errorf("prepared %d times", n)
			}
		})
	}
}

func TestC11_AKeyOfAnAbortedTransactionIsFree(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return protocol.Vote{Vote: txc.No, Certain: true}, true }
	token := r.begin(keyed("k", "a", "b"))
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Aborted {
		t.Fatalf("%+v", got)
	}
	r.fakes["a"].vote = nil
	token = r.begin(keyed("k", "a")) // another request, even
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Committed || got.ID != tx(1, 2) || got.Replayed {
		t.Errorf("%+v", got)
	}
}

func TestC11_AnotherRequestUnderAKeyThatRunsIsRefused(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["b"].deaf = true
	r.begin(keyed("k", "a", "b"))
	other := keyed("k", "a", "b")
	other.Request.Work[1].Work = []byte("other")
	if a := r.ask(other); !errors.Is(a.Err, txc.ErrKeyReused) {
		t.Errorf("%+v", a)
	}
}

func TestC11_OlderThanTheHistory(t *testing.T) {
	r := newRig(t, coordinator.Options{HistorySpan: time.Hour}, "a")
	for _, c := range []struct {
		name string
		own  bool
		ago  time.Duration
		old  bool
	}{
		{"a user's within the span", false, 59 * time.Minute, false},
		{"a user's past it", false, 61 * time.Minute, true},
		{"the library's within ten minutes", true, wal.OwnKeySpan, false},
		{"the library's past them", true, wal.OwnKeySpan + 1, true},
	} {
		token := r.begin(coordinator.AskRun{Request: coordinator.Request{Key: c.name, OwnKey: c.own, FirstSentAgo: c.ago, Work: work("a")}})
		r.deliver()
		got := r.answer(token).Result
		if c.old != (got.Outcome == txc.Unknown && got.Older && got.Reason.Code == txc.CodeOlderThanHistory) || c.old == (got.Outcome == txc.Committed) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestC11_TheLibrarysKeyIsFoundBySearching(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	own := coordinator.AskRun{Request: coordinator.Request{Key: "drawn", OwnKey: true, Work: work("a", "b")}}
	r.holdFind = true
	r.begin(own)
	r.deliver()
	if len(r.lookups) != 0 {
		t.Error("it cost a look-up the first time")
	}
	r.holdFind = false
	r.crash(true)
	r.up("a", "b")
	own.Request.FirstSentAgo = time.Second
	if got := r.ask(own).Result; got.ID != tx(1, 1) || !got.Replayed {
		t.Errorf("%+v", got)
	}
	r.flush()
	r.now = r.now.Add(11 * time.Minute) // by the wall clock alone: the client sent it a second ago, and it must not run again
	if got := r.ask(own).Result; got.ID != tx(1, 1) || !got.Replayed {
		t.Errorf("after a jump of eleven minutes: %+v", got)
	}
}

func TestC11_ABeginDuringALookUpDoesNotRunTwice(t *testing.T) {
	t.Run("two at once", func(t *testing.T) {
		r := newRig(t, coordinator.Options{}, "a")
		r.holdFind = true
		first, second := r.begin(keyed("k", "a")), r.begin(keyed("k", "a"))
		other := r.begin(keyed("k", "a", "a2"))
		if len(r.lookups) != 1 {
			t.Errorf("%d look-ups of one key", len(r.lookups))
		}
		r.find()
		r.deliver()
		if a, b := r.answer(first).Result, r.answer(second).Result; a.ID != b.ID || a.Outcome != txc.Committed {
			t.Errorf("%+v and %+v", a, b)
		}
		if a := r.answer(other); !errors.Is(a.Err, txc.ErrKeyReused) {
			t.Errorf("%+v", a)
		}
	})
	t.Run("the first attempt arrives, and ends, while its retry is looked up", func(t *testing.T) {
		r := newRig(t, coordinator.Options{}, "a")
		own := coordinator.Request{Key: "drawn", OwnKey: true, Work: work("a")}
		retry := own
		retry.FirstSentAgo = time.Second
		r.holdFind = true
		late := r.begin(coordinator.AskRun{Request: retry})
		stale := coordinator.Find(r.log, r.lookups[0]) // the log was read
		r.lookups = nil
		early := r.begin(coordinator.AskRun{Request: own})
		r.deliver()
		r.flush()
		r.step(stale) // and only now the answer comes
		r.find()
		r.deliver()
		r.flush()
		if a, b := r.answer(late).Result, r.answer(early).Result; a.ID != b.ID || a.Outcome != txc.Committed {
			t.Errorf("%+v and %+v", a, b)
		}
		if n := len(heardBy[protocol.Prepare](r.fakes["a"])); n != 1 {
			t.Errorf("it ran %d times", n)
		}
	})
}

// The connection of the first attempt broke for the client alone: what it had sent comes when the retry is over.
func TestC11_AFirstAttemptThatComesAfterItsRetryDoesNotRun(t *testing.T) {
	for _, c := range []struct {
		name string
		vote protocol.Vote
		want func(coordinator.Answered) bool
	}{
		{"the retry committed", protocol.Vote{Vote: txc.Yes}, func(a coordinator.Answered) bool { return a.Result.ID == tx(1, 1) && a.Result.Replayed }},
		{"the retry aborted", protocol.Vote{Vote: txc.No, Certain: true}, func(a coordinator.Answered) bool { return errors.Is(a.Err, txc.ErrInvalid) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a")
			r.fakes["a"].vote = func(protocol.Message) (protocol.Vote, bool) { return c.vote, true }
			own := coordinator.Request{Key: "drawn", OwnKey: true, Work: work("a")}
			retry := own
			retry.FirstSentAgo = 15 * time.Second
			r.begin(coordinator.AskRun{Request: retry})
			r.deliver()
			r.flush()
			r.now = r.now.Add(wal.OwnKeySpan - time.Second)
			late := r.begin(coordinator.AskRun{Request: own})
			r.deliver()
			if got := r.answer(late); !c.want(got) {
				t.Errorf("%+v", got)
			}
			if n := len(heardBy[protocol.Prepare](r.fakes["a"])); n != 1 {
				t.Errorf("it ran %d times", n)
			}
		})
	}
}

func TestC11_ATransactionBegunUnderAKeyIsJoined(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	id := r.ask(coordinator.AskBegin{Request: coordinator.Request{Key: "k"}}).Result.ID
	if again := r.ask(coordinator.AskBegin{Request: coordinator.Request{Key: "k"}}).Result.ID; again != id {
		t.Errorf("%s and %s", id, again)
	}
	joined := r.begin(keyed("k", "a"))
	r.unanswered(joined)
	r.ask(coordinator.AskEnlist{ID: id, Work: work("a")[0]})
	r.begin(coordinator.AskCommit{ID: id})
	r.deliver()
	if got := r.answer(joined).Result; got.ID != id || got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
	r.flush()
	if a := r.ask(keyed("k", "b")); !errors.Is(a.Err, txc.ErrKeyReused) {
		t.Errorf("another request afterwards: %+v", a)
	}
	if got := r.ask(keyed("k", "a")).Result; got.ID != id {
		t.Errorf("the same: %+v", got)
	}
}

func TestC11_AnUnknownKeyIsUnknown(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a")
	if got := r.ask(coordinator.AskOutcome{Key: "never"}).Result; got.Outcome != txc.Unknown || got.Reason.Code != txc.CodeNotFound {
		t.Errorf("%+v", got)
	}
}
