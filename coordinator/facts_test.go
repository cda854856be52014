package coordinator_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// facts are the standings of ids, with what is known of their branches.
func (f *office) facts(ids ...protocol.Proof) string {
	f.t.Helper()
	all, err := f.c.Facts(f.t.Context(), ids)
	if err != nil {
		f.t.Fatal(err)
	}
	text := ""
	for i, fact := range all {
		if fact.ID != ids[i].ID || fact.Mark != ids[i].Mark {
			f.t.Errorf("asked about %v, told of %v", ids[i], fact)
		}
		text += fmt.Sprintf("%s %v; ", fact.Standing, fact.Branches)
	}
	return text
}

// C4, C5, C6: what memory and log have of ids that participants show.
func TestFactsAboutIDs(t *testing.T) {
	f := newOffice(t, coordinator.Options{PresumeAfter: -1, AskFor: time.Millisecond}, "a", "b")
	ctx := t.Context()
	first := f.mark
	of := func(epoch, sequence, mark uint64) protocol.Proof {
		return protocol.Proof{ID: tx(uint32(epoch), sequence), Mark: mark}
	}
	if _, err := f.c.Run(ctx, coordinator.Request{Work: work("a", "b")}); err != nil {
		t.Fatal(err)
	}
	f.until(func() bool { s, _ := f.c.Status(ctx); return s.Live == 0 })
	if got := f.facts(of(1, 1, first)); got != "committed [{a acknowledged} {b acknowledged}]; " {
		t.Errorf("one that is over: %s", got)
	}
	begun, err := f.c.Begin(ctx, coordinator.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.facts(protocol.Proof{ID: begun.ID, Mark: first}); got != "running []; " {
		t.Errorf("one that is open: %s", got)
	}
	if _, err := f.c.Abort(ctx, begun.ID, ""); err != nil {
		t.Fatal(err)
	}
	f.with("b", func(p *fake) { p.mute = func(m protocol.Message) bool { _, ok := m.Body.(protocol.Commit); return ok } })
	if _, err := f.c.Run(ctx, coordinator.Request{Work: work("a", "b"), Wait: coordinator.Decided}); err != nil {
		t.Fatal(err)
	}
	f.until(func() bool { return f.facts(of(1, 3, first)) == "committed [{a acknowledged} {b missing}]; " })
	all, more, err := f.c.Unfinished(ctx, txc.ID{})
	if err != nil || more || len(all) != 1 || all[0].ID != tx(1, 3) || all[0].Mark != first {
		t.Errorf("unfinished: %v %v %v", all, more, err)
	}
	if all, _, err := f.c.Unfinished(ctx, tx(1, 3)); err != nil || len(all) != 0 {
		t.Errorf("above the last: %v %v", all, err)
	}
	want := "aborted []; never-issued []; foreign []; foreign []; not-mine []; "
	other := protocol.Proof{ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}, Mark: first}
	if got := f.facts(of(1, 2, first), of(1, 9, first), of(1, 2, first+1), of(4, 2, first), other); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := f.c.Facts(ctx, make([]protocol.Proof, coordinator.MaxFacts+1)); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("too many: %v", err)
	}

	f.close()
	f.with("b", func(p *fake) { p.deaf = true })
	f.open() // what was aborted left nothing, and b has not been heard (C6)
	defer func() { f.close() }()
	f.register("a")
	if got := f.facts(of(1, 1, first), of(1, 2, first), of(1, 3, first)); got != "committed [{a acknowledged} {b acknowledged}]; no-record []; committed [{a acknowledged} {b missing}]; " {
		t.Errorf("after a restart: %s", got)
	}
	if all, _, err := f.c.List(ctx, coordinator.Filter{States: []string{"in-doubt"}}); err != nil || len(all) != 1 {
		t.Errorf("looking has presumed something: %v, %v", all, err)
	}
}
