package rpc

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
)

// The unary methods between a coordinator and a participant say what a stream's entries say, with sender, id and
// participant in words. So they go through package frame as well: one gate checks both, and what a stream would refuse
// a unary call refuses.

func senderPB(s *protocol.Sender) *txcpb.Sender {
	p := &txcpb.Sender{Cluster: s.Cluster, Coordinator: s.Coordinator, Epoch: s.Epoch, Mark: s.Mark, Lsn: s.LSN}
	if !s.Watermark.IsZero() {
		p.Watermark = s.Watermark.String()
	}
	for _, id := range s.Open {
		p.Open = append(p.Open, id.String())
	}
	return p
}

// entryOf writes a message as a stream's entry; without an error exactly one is there.
func entryOf(w *frame.MessageWriter, m protocol.Message) (*txcpb.Entry, error) {
	f, err := frameOf(w, m)
	if err != nil {
		return nil, err
	}
	if n := len(f.GetEntries()); n > 0 {
		return f.GetEntries()[n-1], nil
	}
	return nil, fmt.Errorf("%w: %T makes no entry", txc.ErrInvalid, m.Body)
}

func frameOf(w *frame.MessageWriter, m protocol.Message) (*txcpb.Frame, error) {
	b, n, err := w.Append(nil, []protocol.Message{m})
	if err != nil {
		return nil, err
	}
	var f txcpb.Frame
	if err := proto.Unmarshal(b, &f); err != nil || n != 1 {
		return nil, fmt.Errorf("%w: %T: %d written: %w", txc.ErrInvalid, m.Body, n, err)
	}
	return &f, nil
}

// messageOf reads what an entry, or a hello, would say.
func messageOf(r *frame.MessageReader, f *txcpb.Frame) (protocol.Message, error) {
	b, err := proto.Marshal(f)
	if err != nil {
		return protocol.Message{}, fmt.Errorf("%w: %w", txc.ErrInvalid, err)
	}
	all, err := r.Read(b, nil)
	if err != nil {
		return protocol.Message{}, err
	}
	if len(all) != 1 {
		return protocol.Message{}, fmt.Errorf("%w: nothing was said", txc.ErrInvalid)
	}
	return all[0], nil
}

// writerTo makes a writer that has said hello as this sender.
func writerTo(from *protocol.Sender) (*frame.MessageWriter, error) {
	w := frame.NewMessageWriter(frame.NewHello(""))
	_, _, err := w.Append(nil, []protocol.Message{{From: from, Body: protocol.Hello{}}})
	return w, err
}

// idOf takes a message's id apart as an entry has it: epoch and mark only where they are not the sender's.
func idOf(text string, mark uint64, from *txcpb.Sender) (*txcpb.Entry, error) {
	id, err := parseID(text)
	if err != nil {
		return nil, err
	}
	if id.Coordinator != from.GetCoordinator() {
		return nil, txc.Refuse(txc.ErrInvalid, txc.CodeWrongCoordinator, fmt.Sprintf("%s is not of coordinator %d", id, from.GetCoordinator()))
	}
	if id.Epoch != from.GetEpoch() && mark == 0 {
		return nil, txc.Refuse(txc.ErrInvalid, txc.CodeBadName, fmt.Sprintf("%s is not of epoch %d: its mark is needed", id, from.GetEpoch()))
	}
	e := &txcpb.Entry{Sequence: id.Sequence}
	if id.Epoch != from.GetEpoch() || mark != 0 && mark != from.GetMark() {
		e.Epoch, e.Mark = id.Epoch, mark
	}
	return e, nil
}

// senderOf reads a sender, checked as a stream's hello is.
func senderOf(p *txcpb.Sender) (*protocol.Sender, error) {
	r := frame.NewMessageReader(frame.AtParticipant, "", "")
	m, err := messageOf(r, &txcpb.Frame{Hello: &txcpb.Hello{VersionMin: frame.VersionMin, VersionMax: frame.VersionMax, From: p}})
	return m.From, err
}
