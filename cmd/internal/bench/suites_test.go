package bench

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
)

func small(t *testing.T) Options {
	return Options{Dir: t.TempDir(), Duration: 100 * time.Millisecond, Rounds: 1, InFlight: 200, Workload: "transfer", Progress: io.Discard}
}

// Past its bound everybody hears a reason at once, nothing is unknown, and what was begun commits.
func TestOverloadRefusesWithAReason(t *testing.T) {
	o := small(t)
	h := &hold{}
	s, err := embed(t.Context(), filepath.Join(o.Dir, "log"), embedding{
		participants: 1, options: coordinator.Options{MaxLive: 10},
		store: func(int, string) (participant.Resource, error) { return void{1, h}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	h.close() // nothing ends before the last one was offered: all but ten must be refused
	released := time.AfterFunc(300*time.Millisecond, h.open)
	defer released.Stop()
	row, err := s.flood(t.Context(), 1000, o.Duration)
	if err != nil {
		t.Fatal(err)
	}
	if row.Unknown != 0 || len(row.Reasons) != 1 || row.Reasons[string(txc.CodeBusy)] != 90 || row.TxPerS <= 0 {
		t.Errorf("%+v", row)
	}
	if row.RefusedP99 <= 0 || row.RefusedP99 > row.P50 {
		t.Errorf("a refusal took as long as a stalled transaction: %+v", row)
	}
}

func TestOverload(t *testing.T) {
	o := small(t)
	o.Duration = 400 * time.Millisecond
	r, err := RunOverload(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != len(overloadFactors) || r.Best <= 0 || r.Stall.Running+r.Stall.Stalled <= 0 || r.Stall.Held == 0 {
		t.Errorf("%+v", r)
	}
	for _, row := range r.Rows {
		if row.Unknown != 0 || row.TxPerS <= 0 {
			t.Errorf("%+v", row)
		}
	}
}

// Memory in flight is the coordinator's, for each of them: the bound is what docs/benchmarks.md promises.
func TestInFlightMemory(t *testing.T) {
	o := small(t)
	const n = 5000
	row, err := inFlight(t.Context(), &o, n)
	if err != nil {
		t.Fatal(err)
	}
	if row.N != n || row.TxPerS <= 0 || row.Memory < 200 || row.Memory > 2048 {
		t.Errorf("%+v", row)
	}
}

// With a history of some bytes the log is bounded by it, and by what the log itself needs.
func TestSoakStaysWithinItsHistory(t *testing.T) {
	o := small(t)
	o.Duration = soakSamples * 100 * time.Millisecond
	r, err := RunSoak(t.Context(), o, 256<<10)
	if err != nil {
		t.Fatal(err)
	}
	last := r.Samples[len(r.Samples)-1]
	if len(r.Samples) != soakSamples || last.Transactions != r.Transactions || r.Transactions == 0 || last.Stores == 0 {
		t.Fatalf("%+v", r)
	}
	const own = 96 << 20 // memtables and their logs, whatever the history
	if last.Log == 0 || last.Log > own {
		t.Errorf("the log takes %d bytes", last.Log)
	}
	for _, s := range r.Samples {
		if s.Heap < 1<<20 {
			t.Errorf("memory was not counted: %+v", s)
		}
	}
}

func TestAHoldKeepsAndLetsGo(t *testing.T) {
	var h hold
	done := 0
	deed := func() { done++ }
	if h.keeps(3, deed) {
		t.Fatal("an open one kept something")
	}
	h.close()
	if !h.keeps(3, deed) || !h.keeps(2, deed) || h.held() != 5 || done != 0 {
		t.Errorf("held %d, done %d", h.held(), done)
	}
	if h.open(); done != 2 || h.held() != 0 || h.keeps(1, deed) {
		t.Errorf("held %d, done %d", h.held(), done)
	}
}

func TestSizes(t *testing.T) {
	if got := upTo([]int{1, 10, 100}, 10); !slices.Equal(got, []int{1, 10}) {
		t.Error(got)
	}
	if got := upTo([]int{1, 10, 100}, 50); !slices.Equal(got, []int{1, 10, 50}) {
		t.Error(got)
	}
	failed := make(chan error, 1)
	failed <- io.EOF
	if err := until(t.Context(), failed, func() bool { return false }); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
