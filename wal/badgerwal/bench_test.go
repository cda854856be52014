package badgerwal_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/filling"
	"github.com/txc-dev/txc/wal/waltest"
)

var million = flag.Bool("million", false, "recover a log of 1,000,000 finished transactions, not a tenth of it")

// BenchmarkAppend writes commit records in groups of one size; an operation is one record.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 256, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l, rec, err := badgerwal.Open(b.TempDir(), badgerwal.Options{Cluster: "bench", Number: 1, MinFree: 1, Ballast: -1})
			if err != nil {
				b.Fatal(err)
			}
			body := wal.CommitBody{Members: []wal.Member{{Participant: "bank-a", Evidence: make([]byte, 16)}, {Participant: "bank-b", Evidence: make([]byte, 16)}}, Began: time.Now()}
			recs := make([]wal.Record, 0, 2*size)
			b.ReportAllocs()
			for n := uint64(1); b.Loop(); {
				recs = recs[:0]
				for range size {
					id := txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: n}
					recs = append(recs, wal.New(id, body.Began, body), wal.New(id, body.Began, wal.EndBody{}))
					n++
				}
				if _, err := l.Append(b.Context(), recs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			if err := l.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// C8: an Open reads what is unfinished, not what is history.
func TestRecoveryDoesNotGrowWithTheHistory(t *testing.T) {
	finished, bound := 100_000, 2*time.Second
	if *million {
		finished = 1_000_000
	}
	s := newStore(t)
	s.o.CheckpointEvery, s.o.MemTable = 0, 0
	log, rec, err := s.Open(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	ids, err := filling.Fill(t.Context(), log, filling.Past{Number: waltest.Number, Epoch: rec.Epoch, Finished: finished, Unfinished: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("filled in %v", time.Since(began))
	for _, end := range []string{"killed", "closed"} {
		if end == "killed" {
			err = s.Kill(log)
		} else {
			err = log.Close(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		if log, rec, err = s.Open(2, time.Now); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("%s: opened in %v", end, took)
		if len(rec.Unfinished) != len(ids) || rec.Unfinished[len(ids)-1].Commit.ID != ids[len(ids)-1] {
			t.Fatalf("%d unfinished, want %d", len(rec.Unfinished), len(ids))
		}
		if took > bound {
			t.Errorf("%s: opened in %v, the bound is %v", end, took, bound)
		}
		began = time.Now()
		for _, id := range []txc.ID{{Coordinator: 1, Epoch: 1, Sequence: 2}, {Coordinator: 1, Epoch: 1, Sequence: uint64(finished / 2)}} {
			if r, _, ok, err := log.Find(id); !ok || err != nil || r.ID != id {
				t.Fatal(id, ok, err)
			}
		}
		if _, _, ok, err := log.Find(txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1 << 40}); ok || err != nil {
			t.Fatal(ok, err)
		}
		t.Logf("%s: two found and one not in %v", end, time.Since(began))
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
