package resourcetest_test

import (
	"testing"

	"github.com/txc-dev/txc/participant/resourcetest"
)

func TestToy(t *testing.T) {
	resourcetest.Run(t, func(*testing.T) *resourcetest.Store { return fresh("") })
}

// Each way to break an adapter is caught by some case.
func TestBrokenAdaptersAreCaught(t *testing.T) {
	for _, fault := range []string{
		"promises in memory", "commits in memory", "loses its stamp", "loses read locks in a crash", "is another store at each opening",
		"takes one id for one branch, whatever its mark", "hands out endless evidence", "executes a repeated Prepare", "votes after Close",
		"promises after the caller's time", "keeps what it refused", "answers bad work by an error", "forgets what it read",
		"holds what it may release", "releases what it must hold", "forgets the members", "shows what is only promised", "has no locks",
		"takes not found for success", "leaves no proof", "says aborted of what committed", "keeps what was aborted",
		"lists what is not its own", "does not list what is settled", "lists markers below", "forgets other coordinators' proofs",
		"forgets the exceptions", "forgets promises", "remembers nothing", "takes the caller's stamp", "settles what is not promised",
		"settles without applying", "shows what an operator did as decided", "never reconciles", "ends promises at Close",
		"promises what no call has opened", "promises after a call that failed", "keeps open branches over its end", "keeps open what was aborted",
		"shows what calls have written", "takes the first call's word alone", "lets a call write that has returned",
	} {
		t.Run(fault, func(t *testing.T) {
			broken := resourcetest.Examine(func() *resourcetest.Store { return fresh(fault) })
			if len(broken) == 0 {
				t.Fatal("an adapter that " + fault + " passes")
			}
			for says, err := range broken {
				t.Logf("%s: %v", says, err)
			}
		})
	}
}

func TestToyIsExaminedWithoutFault(t *testing.T) {
	if broken := resourcetest.Examine(func() *resourcetest.Store { return fresh("") }); len(broken) != 0 {
		t.Errorf("%v", broken)
	}
}
