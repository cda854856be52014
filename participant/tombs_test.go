package participant

import (
	"math/rand/v2"
	"testing"

	"github.com/txc-dev/txc"
)

// P5: tombs leave in the order of their ids, in whatever order they came.
func TestTombsLeaveInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var h tombHeap
	in, out := 0, txc.ID{}
	for n := range 10_000 {
		if n < 5_000 || len(h) == 0 {
			h.push(key{ID: txc.ID{Coordinator: 1, Epoch: 1 + uint32(rng.IntN(3)), Sequence: rng.Uint64N(1000)}})
			in++
			continue
		}
		k := h.pop()
		if in--; k.ID.Compare(out) < 0 {
			t.Fatalf("%s after %s", k.ID, out)
		}
		out = k.ID
	}
	if len(h) != in {
		t.Errorf("%d are left, want %d", len(h), in)
	}
}
