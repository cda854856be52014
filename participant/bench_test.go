package participant_test

import (
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// What the core costs per branch: Prepare, promise, Commit, tomb, watermark; 64 branches a turn.
func BenchmarkCore(b *testing.B) {
	d := newDriver()
	d.hello()
	b.ReportAllocs()
	for n := uint64(1); b.Loop(); n += 64 {
		from := *d.from
		from.Watermark = txc.ID{Coordinator: 1, Epoch: 7, Sequence: n}
		turn := func(body protocol.Body) participant.Event {
			all := make([]participant.Message, 64)
			for i := range all {
				all[i] = participant.Message{From: &from, ID: txc.ID{Coordinator: 1, Epoch: 7, Sequence: n + uint64(i)}, Mark: 70, Body: body}
			}
			return participant.Received{Session: 1, Messages: all}
		}
		d.step(turn(prepares(0)))
		d.step(turn(protocol.Commit{}))
		d.sends = d.sends[:0]
	}
}
