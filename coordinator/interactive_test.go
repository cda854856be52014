package coordinator_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

func joined(f *fake, calls uint32) coordinator.Work {
	return coordinator.Work{Participant: f.name, Calls: calls, Incarnation: f.incarnation}
}

func TestAnInteractiveTransaction(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	begun := r.ask(coordinator.AskBegin{Request: coordinator.Request{Labels: map[string]string{"kind": "test"}, Timeout: time.Minute}}).Result
	if begun.Outcome != txc.Undecided || begun.ID != tx(1, 1) || begun.Mark != r.mark || begun.Age == 0 {
		t.Errorf("%+v", begun)
	}
	a := work("a")[0]
	for range 2 { // the same again is fine
		if got := r.ask(coordinator.AskEnlist{ID: begun.ID, Mark: r.mark, Work: a}); got.Err != nil {
			t.Error(got.Err)
		}
	}
	other := a
	other.Work = []byte("other")
	var ref *txc.Refusal
	if got := r.ask(coordinator.AskEnlist{ID: begun.ID, Work: other}); !errors.As(got.Err, &ref) || ref.Reason.Code != txc.CodeAlreadyEnlisted {
		t.Errorf("%+v", got)
	}
	if len(r.sent["a"]) != 0 {
		t.Error("something was sent before commit")
	}
	token := r.begin(coordinator.AskCommit{ID: begun.ID, Joined: []coordinator.Work{joined(r.fakes["b"], 3)}})
	shipped, closing := sentTo[protocol.Prepare](r, "a")[0].Body.(protocol.Prepare), sentTo[protocol.Prepare](r, "b")[0].Body.(protocol.Prepare)
	if shipped.Joined || string(shipped.Work) != "w-a" || shipped.Incarnation != r.fakes["a"].incarnation {
		t.Errorf("%+v", shipped)
	}
	if !closing.Joined || closing.Work != nil || closing.Calls != 3 || closing.Incarnation != r.fakes["b"].incarnation || closing.MayRelease {
		t.Errorf("%+v", closing)
	}
	if got := r.ask(coordinator.AskEnlist{ID: begun.ID, Work: work("b")[0]}); !errors.Is(got.Err, txc.ErrInvalid) {
		t.Errorf("enlisted while voting: %+v", got)
	}
	again := r.begin(coordinator.AskCommit{ID: begun.ID})
	r.deliver()
	for _, token := range []string{token, again} {
		if got := r.answer(token).Result; got.Outcome != txc.Committed || !got.Applied {
			t.Errorf("%+v", got)
		}
	}
	if got := r.ask(coordinator.AskCommit{ID: begun.ID}).Result; got.Outcome != txc.Committed || !got.Replayed {
		t.Errorf("asked again: %+v", got)
	}
	r.flush()
	if got := r.ask(coordinator.AskCommit{ID: begun.ID}).Result; got.Outcome != txc.Committed {
		t.Errorf("asked after its end: %+v", got)
	}
	if got := r.ask(coordinator.AskAbort{ID: begun.ID}).Result; got.Outcome != txc.Committed {
		t.Errorf("aborted after its end: %+v", got)
	}
	if got := r.ask(coordinator.AskEnlist{ID: begun.ID, Work: a}); !refused(got.Err, txc.CodeWrongState) {
		t.Errorf("enlisted after its end: %v", got.Err)
	}
	if got := r.ask(coordinator.AskEnlist{ID: tx(1, 99), Work: a}); !refused(got.Err, txc.CodeNotFound) {
		t.Errorf("an id that was never issued: %v", got.Err)
	}
	if c := records[wal.CommitBody](r)[0].Body.(wal.CommitBody); c.Labels["kind"] != "test" || len(c.Members) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestS1_MayReleaseWhereNothingIsShippedOrItIsTheOnlyOne(t *testing.T) {
	for _, c := range []struct {
		name    string
		joined  []string
		shipped []string
		may     bool
	}{
		{"one shipped", nil, []string{"a"}, true},
		{"two shipped", nil, []string{"a", "b"}, false},
		{"one joined and one shipped", []string{"b"}, []string{"a"}, false},
		{"two joined", []string{"a", "b"}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, coordinator.Options{}, "a", "b")
			id := r.ask(coordinator.AskBegin{}).Result.ID
			for _, name := range c.shipped {
				r.ask(coordinator.AskEnlist{ID: id, Work: work(name)[0]})
			}
			commit := coordinator.AskCommit{ID: id}
			for _, name := range c.joined {
				commit.Joined = append(commit.Joined, joined(r.fakes[name], 1))
			}
			r.begin(commit)
			for _, name := range append(c.joined, c.shipped...) {
				if p := sentTo[protocol.Prepare](r, name)[0].Body.(protocol.Prepare); p.MayRelease != c.may {
					t.Errorf("%s: %v", name, p.MayRelease)
				}
			}
		})
	}
}

func TestATransactionWithoutABranchCommits(t *testing.T) {
	r := newRig(t, coordinator.Options{})
	id := r.ask(coordinator.AskBegin{}).Result.ID
	if got := r.ask(coordinator.AskCommit{ID: id}).Result; got.Outcome != txc.Committed || !got.Applied {
		t.Errorf("%+v", got)
	}
	if got := r.ask(coordinator.AskRun{}).Result; got.Outcome != txc.Committed {
		t.Errorf("%+v", got)
	}
	if len(records[wal.CommitBody](r)) != 0 {
		t.Error("a record")
	}
}

func TestAnAbortTellsWhoeverWasWorkedWith(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b", "c")
	id := r.ask(coordinator.AskBegin{}).Result.ID
	r.ask(coordinator.AskEnlist{ID: id, Work: work("a")[0]})
	r.ask(coordinator.AskEnlist{ID: id, Work: joined(r.fakes["b"], 1)})
	got := r.ask(coordinator.AskAbort{ID: id, Why: "changed my mind"}).Result
	if got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeCancelled || got.Reason.Text != "changed my mind" {
		t.Errorf("%+v", got)
	}
	if len(r.sent["a"]) != 0 || len(sentTo[protocol.Abort](r, "b")) != 1 || len(r.sent["c"]) != 0 {
		t.Errorf("sent %v %v %v", r.sent["a"], r.sent["b"], r.sent["c"])
	}
	if got := r.ask(coordinator.AskAbort{ID: id}).Result; got.Outcome != txc.Aborted {
		t.Errorf("again: %+v", got)
	}
	r.flush()
	if b := records[wal.AbortBody](r); len(b) != 1 || b[0].Body.(wal.AbortBody).Reason.Text != "changed my mind" || len(b[0].Body.(wal.AbortBody).Members) != 2 {
		t.Errorf("%+v", b)
	}
	id = r.ask(coordinator.AskBegin{}).Result.ID
	if got := r.ask(coordinator.AskAbort{ID: id, Operator: true}).Result; got.Reason.Code != txc.CodeOperator {
		t.Errorf("%+v", got)
	}
}

func TestAnOpenTransactionEndsAtItsDeadline(t *testing.T) {
	r := newRig(t, coordinator.Options{Timeout: 2 * time.Second}, "a")
	id := r.ask(coordinator.AskBegin{}).Result.ID
	r.ask(coordinator.AskEnlist{ID: id, Work: joined(r.fakes["a"], 1)})
	r.pass(1900 * time.Millisecond)
	if got := outcome(r, id); got.Outcome != txc.Undecided {
		t.Errorf("%+v", got)
	}
	r.pass(200 * time.Millisecond)
	if got := outcome(r, id); got.Outcome != txc.Aborted || got.Reason.Code != txc.CodeDeadline {
		t.Errorf("%+v", got)
	}
	if len(heardBy[protocol.Abort](r.fakes["a"])) != 1 {
		t.Error("its branch was not told")
	}
	if got := r.ask(coordinator.AskCommit{ID: id}).Result; got.Outcome != txc.Aborted {
		t.Errorf("commit too late: %+v", got)
	}
}

func TestEnlistChecksItsBounds(t *testing.T) {
	names := make([]string, txc.MaxBranches+1)
	for i := range names {
		names[i] = fmt.Sprintf("p%02d", i)
	}
	r := newRig(t, coordinator.Options{}, names...)
	id := r.ask(coordinator.AskBegin{}).Result.ID
	for _, w := range work(names[:txc.MaxBranches]...) {
		if a := r.ask(coordinator.AskEnlist{ID: id, Work: w}); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	var ref *txc.Refusal
	if a := r.ask(coordinator.AskEnlist{ID: id, Work: work(names[txc.MaxBranches])[0]}); !errors.As(a.Err, &ref) || ref.Reason.Code != txc.CodeTooManyBranches {
		t.Errorf("%+v", a)
	}
	if a := r.ask(coordinator.AskCommit{ID: id, Joined: []coordinator.Work{joined(r.fakes[names[txc.MaxBranches]], 1)}}); !errors.As(a.Err, &ref) || ref.Reason.Code != txc.CodeTooManyBranches {
		t.Errorf("%+v", a)
	}
	token := r.begin(coordinator.AskCommit{ID: id})
	r.deliver()
	if got := r.answer(token).Result; got.Outcome != txc.Committed || len(got.Branches) != txc.MaxBranches {
		t.Errorf("%v, %d branches", got.Outcome, len(got.Branches))
	}
	id = r.ask(coordinator.AskBegin{}).Result.ID
	big := coordinator.Work{Work: make([]byte, txc.MaxWork)}
	for i := range 5 {
		big.Participant = names[i]
		a := r.ask(coordinator.AskEnlist{ID: id, Work: big})
		if tooMuch := i == 4; tooMuch != errors.Is(a.Err, txc.ErrInvalid) {
			t.Errorf("branch %d: %+v", i, a.Err)
		}
	}
	id = r.ask(coordinator.AskBegin{}).Result.ID
	if a := r.ask(coordinator.AskEnlist{ID: id, Work: work("nobody")[0]}); !errors.Is(a.Err, txc.ErrNotFound) {
		t.Errorf("%+v", a)
	}
	if a := r.ask(coordinator.AskEnlist{ID: txc.ID{Coordinator: 3, Epoch: 1, Sequence: 1}, Work: work("p01")[0]}); !errors.Is(a.Err, txc.ErrInvalid) {
		t.Errorf("%+v", a)
	}
}
