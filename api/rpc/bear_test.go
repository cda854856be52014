package rpc_test

import (
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/internal/protocol"
)

func TestP5_OneUnaryCallBringsAWatermarkAndAnotherIfItFailed(t *testing.T) {
	id := func(n uint64) txc.ID { return txc.ID{Coordinator: 1, Epoch: 1, Sequence: n} }
	sender := func(lsn, mark uint64, open ...txc.ID) *protocol.Sender {
		return &protocol.Sender{Cluster: "txc", Coordinator: 1, Epoch: 1, Mark: 7, LSN: lsn, Watermark: id(mark), Open: open}
	}
	bear, untold := rpc.Bearing()
	said := func(what string, s *protocol.Sender, want bool) {
		t.Helper()
		got, watermark := bear(s)
		if watermark != want || want == got.Watermark.IsZero() || want != (len(got.Open) > 0) {
			t.Errorf("%s: %+v, %v", what, got, watermark)
		}
		if got.LSN != s.LSN || got.Mark != s.Mark || got.Epoch != s.Epoch || got.Cluster != s.Cluster || got.Coordinator != s.Coordinator {
			t.Errorf("%s: it is %+v", what, got)
		}
	}
	said("the first", sender(1, 5, id(9)), true)
	said("the same", sender(2, 5, id(9)), false)
	said("others are open", sender(2, 5, id(10)), true)
	said("it has moved", sender(3, 6, id(10)), true)
	untold(false)
	said("a call without it failed", sender(3, 6, id(10)), false)
	untold(true)
	said("the call that bore it failed", sender(3, 6, id(10)), true)
	said("and then it arrived", sender(3, 6, id(10)), false)
}
