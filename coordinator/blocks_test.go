package coordinator_test

import (
	"slices"
	"testing"

	"github.com/txc-dev/txc/coordinator"
)

// Whoever looks at a stuck transaction sees what it keeps from others: the locks of those that have not acknowledged.
func TestAStuckTransactionSaysWhatItBlocks(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.begin(coordinator.AskRun{Request: coordinator.Request{Work: work("a", "b")}})
	blocks := func() []string { return r.ask(coordinator.AskDetail{ID: tx(1, 1)}).Detail.Blocks }
	if got := blocks(); !slices.Equal(got, []string{"its locks at a", "its locks at b"}) {
		t.Errorf("while voting: %q", got)
	}
	r.deliverOnce() // both vote yes: it is decided
	r.fakes["b"].deaf = true
	r.deliver()
	if got := blocks(); !slices.Equal(got, []string{"its locks at b"}) {
		t.Errorf("with one that does not answer: %q", got)
	}
	r.fakes["b"].deaf = false
	r.cut("b")
	r.connect("b")
	r.deliver()
	if got := blocks(); len(got) != 0 {
		t.Errorf("at the end: %q", got)
	}
}
