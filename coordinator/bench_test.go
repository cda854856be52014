package coordinator_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/wal"
)

// BenchmarkTwoBranches steps the core through whole transactions of two branches, in batches as they come under load:
// requests, prepares, votes, one group of decisions, commits, fates, one group of ends. Neither log nor link is there.
func BenchmarkTwoBranches(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(map[int]string{1: "one at a time", 64: "64 at a time"}[batch], func(b *testing.B) { benchmark(b, batch) })
	}
}

func benchmark(b *testing.B, batch int) {
	r := newRig(b, coordinator.Options{}, "a", "b")
	lsn, now := r.log.Synced(), r.now
	names := []string{"a", "b"}
	var eff coordinator.Effects
	var events []coordinator.Event
	answered, sequence := 0, uint64(0)
	step := func() (appended int) {
		eff.Append, eff.Send, eff.Answers = eff.Append[:0], eff.Send[:0], eff.Answers[:0]
		now = now.Add(100 * time.Microsecond)
		r.core.Step(coordinator.World{Now: now, Synced: lsn}, events, &eff)
		events = events[:0]
		answered += len(eff.Answers)
		return len(eff.Append)
	}
	says := func(body protocol.Body) {
		for _, name := range names {
			messages := make([]protocol.Message, batch)
			for i := range messages {
				messages[i] = protocol.Message{ID: tx(1, sequence+uint64(i)+1), Mark: r.mark, Body: body}
			}
			events = append(events, coordinator.Received{Participant: name, Messages: messages})
		}
	}
	writes := func(n int) {
		lsn += uint64(n)
		events = append(events, coordinator.Appended{N: n, LSN: lsn})
	}
	yes, applied := protocol.Vote{Vote: txc.Yes}, protocol.Fated{Fate: txc.CommittedNow}
	payload := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		for range batch {
			events = append(events, coordinator.AskRun{Request: coordinator.Request{Wait: coordinator.Decided, Work: []coordinator.Work{
				{Participant: "a", Work: payload}, {Participant: "b", Work: payload}}}})
		}
		step()
		says(yes)
		writes(step())
		step() // decided, told, commit sent
		says(applied)
		writes(step())
		step() // ended
		sequence += uint64(batch)
	}
	if answered != b.N*batch || r.ask(coordinator.AskStatus{}).Status.Live != 0 {
		b.Errorf("%d of %d answered", answered, b.N*batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/tx")
}

// BenchmarkWatermarks computes the watermarks with many transactions in memory: it is done five times a second.
func BenchmarkWatermarks(b *testing.B) {
	r := newRig(b, coordinator.Options{}, "a", "b", "c")
	for _, f := range r.fakes {
		f.deaf = true
	}
	for range 10_000 {
		r.step(coordinator.AskRun{Token: "run", Request: coordinator.Request{Timeout: 10 * time.Minute, Work: work("a", "b")}})
	}
	var eff coordinator.Effects
	for i := 0; b.Loop(); i++ { // to and fro: they are due at both ends
		r.core.Step(coordinator.World{Now: r.now.Add(time.Duration(i%2) * time.Second), Synced: r.log.Synced()}, nil, &eff)
	}
}

// BenchmarkRecovery starts a core with many commits unfinished.
func BenchmarkRecovery(b *testing.B) {
	rec := wal.Recovery{Cluster: "test", Number: 1, Epoch: 2, Mark: 2, First: 20_000, Openings: []wal.Record{
		{Kind: wal.Opened, LSN: 1, Body: wal.OpenedBody{Epoch: 1, Mark: 1}}, {Kind: wal.Opened, LSN: 20_000, Body: wal.OpenedBody{Epoch: 2, Mark: 2}}}}
	for i := range 10_000 {
		rec.Unfinished = append(rec.Unfinished, wal.Unfinished{Commit: wal.New(tx(1, uint64(i+1)), epoch0, wal.CommitBody{Members: []wal.Member{{Participant: "a"}, {Participant: "b"}}})})
	}
	for b.Loop() {
		core, err := coordinator.NewCore(rec, coordinator.Options{}, epoch0)
		if err != nil {
			b.Fatal(err)
		}
		var eff coordinator.Effects
		core.Step(coordinator.World{Now: epoch0, Synced: 20_000}, nil, &eff)
	}
}
