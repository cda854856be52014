package coordinator_test

import (
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

func TestAgesOfPromisesAreNotGivenOutAgain(t *testing.T) {
	r := newRig(t, coordinator.Options{}, "a", "b")
	r.fakes["a"].promised[tx(1, 1)] = protocol.InDoubt{ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}, Age: 1 << 60}
	r.cut("a")
	r.up("a")
	if age := r.ask(coordinator.AskBegin{}).Result.Age; age != 1<<60+1 {
		t.Errorf("age %d", age)
	}
	if age := r.ask(coordinator.AskBegin{Request: coordinator.Request{Age: 5}}).Result.Age; age != 5 {
		t.Errorf("a retry's age: %d", age)
	}
	r.ask(coordinator.AskBegin{Request: coordinator.Request{Age: 1<<64 - 1}})
	if age := r.ask(coordinator.AskBegin{}).Result.Age; age != 1<<64-1 {
		t.Errorf("ages went round: %d", age)
	}
}
