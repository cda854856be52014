package frame_test

import (
	"errors"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
)

func TestP6ARefusalIsReadInPlaceOfTheHello(t *testing.T) {
	fenced := func(about txcpb.About) []byte {
		return entry(&txcpb.Entry{What: &txcpb.Entry_Fenced{Fenced: &txcpb.Fenced{Seen: &txcpb.Seen{Coordinator: 1, Epoch: 99, Mark: 5, Lsn: 3}, About: about}}})
	}
	vote := entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Vote{Vote: &txcpb.PrepareReply{Vote: 2}}})
	r := frame.NewMessageReader(frame.AtCoordinator, "txc", "bank-a")
	if _, err := r.Read(fenced(txcpb.About_ABOUT_HELLO), nil); !errors.Is(err, txc.ErrInvalid) {
		t.Fatalf("C5: taken before our own hello (%v)", err)
	}
	for _, b := range [][]byte{vote, fenced(txcpb.About_ABOUT_PREPARE), nil} {
		r := frame.NewMessageReader(frame.AtCoordinator, "txc", "bank-a")
		r.Opened(opening)
		if _, err := r.Read(b, nil); !errors.Is(err, txc.ErrInvalid) {
			t.Fatalf("%x was taken before the hello (%v)", b, err)
		}
	}
	r = frame.NewMessageReader(frame.AtCoordinator, "txc", "bank-a")
	r.Opened(opening)
	want := protocol.Fenced{Seen: protocol.Seen{Coordinator: 1, Epoch: 99, Mark: 5, LSN: 3}, About: protocol.AboutHello}
	if got := must(r.Read(fenced(txcpb.About_ABOUT_HELLO), nil)); len(got) != 1 || got[0].Body != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if _, met := r.Peer(); met {
		t.Fatal("a refusal is no hello")
	}
	if _, err := r.Read(vote, nil); !errors.Is(err, txc.ErrInvalid) {
		t.Fatalf("a vote without a hello was taken (%v)", err)
	}
}
