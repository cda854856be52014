package bench

import (
	"testing"
)

// One transaction of an embedded coordinator, with two participants that do nothing and a durable log, among 300 callers:
// what coordinator, agents and log cost by themselves.
func BenchmarkInProcess(b *testing.B) {
	s, err := embed(b.Context(), b.TempDir(), embedding{participants: 2})
	if err != nil {
		b.Fatal(err)
	}
	run := s.run("decided")
	b.SetParallelism(150)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := run(b.Context(), 0); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	if err := s.close(b.Context()); err != nil {
		b.Error(err)
	}
}
