package kv_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

// BenchmarkGroupCommit measures whole branches, a promise and a commit each, by clients that each wait for theirs.
func BenchmarkGroupCommit(b *testing.B) {
	for _, clients := range []int{1, 16, 64, 512} {
		b.Run(fmt.Sprint(clients, " clients"), func(b *testing.B) {
			s := open(b, b.TempDir())
			var next atomic.Uint64
			var wg sync.WaitGroup
			started := time.Now()
			for c := range clients {
				work := work(b, kv.Add(fmt.Sprint("account", c), 1), kv.Get(fmt.Sprint("account", c)))
				wg.Go(func() {
					replies := make(chan participant.Reply, 1)
					done := func(_ int, r participant.Reply) { replies <- r }
					for {
						n := next.Add(1)
						if n > uint64(b.N) {
							return
						}
						q := participant.Request{Verb: participant.VerbPrepare, Branch: branch(n), Work: work}
						s.Submit([]participant.Request{q}, done)
						r := <-replies
						q.Verb, q.Evidence = participant.VerbCommit, r.Promise.Evidence
						s.Submit([]participant.Request{q}, done)
						if r = <-replies; r.Fate != txc.CommittedNow {
							b.Errorf("%v, %v", r.Fate, r.Err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "branches/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
