package coordinator_test

import (
	"testing"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// Participants are told whether a client waits for the end of its branches.
func TestACommitSaysWhetherSomebodyWaits(t *testing.T) {
	for wait, relaxed := range map[coordinator.Wait]bool{coordinator.Applied: false, coordinator.Decided: true} {
		r := newRig(t, coordinator.Options{}, "a", "b")
		r.begin(run(wait, "a", "b"))
		r.deliver()
		for name, f := range r.fakes {
			if all := heardBy[protocol.Commit](f); len(all) != 1 || all[0].Body.(protocol.Commit).Relaxed != relaxed {
				t.Errorf("%v: %s was told %+v", wait, name, all)
			}
		}
	}
}
