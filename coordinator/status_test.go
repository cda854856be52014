package coordinator_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc/coordinator"
)

// What an operator reads is what is in force: defaults too.
func TestStatusTellsTheLimitsInForce(t *testing.T) {
	r := newRig(t, coordinator.Options{MaxQueue: 77, Timeout: 3 * time.Second}, "a")
	s := r.ask(coordinator.AskStatus{}).Status
	if s.MaxQueue != 77 || s.Timeout != 3*time.Second || s.MaxLive != 100_000 || s.MaxTimeout != 10*time.Minute || !s.Started.Equal(epoch0) {
		t.Errorf("%+v", s)
	}
}
