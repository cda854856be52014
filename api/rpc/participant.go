package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// NewParticipantServer makes a server of the service Participant, for an agent of this cluster. The agent stays the
// caller's, who closes it after the server.
func NewParticipantServer(a *participant.Agent, cluster string, o Options) *Server {
	s := newServer(o)
	txcpb.RegisterParticipantServer(s.grpc, &service{s: s, a: a, cluster: cluster})
	return s
}

// service serves the service Participant.
type service struct {
	txcpb.UnimplementedParticipantServer
	s       *Server
	a       *participant.Agent
	cluster string
}

// coming is one coordinator's stream.
//
//	frames ─▶ read ─▶ agent ─▶ outbox ─▶ send ─▶ frames
type coming struct {
	service *service
	stream  grpc.ServerStream
	reader  *frame.MessageReader
	agent   *participant.Session
	out     *outbox[protocol.Message]
	met     chan struct{} // closed when the coordinator's hello was read
	gone    chan struct{} // closed when the agent has ended
	over    sync.Once
}

// Session serves one coordinator's stream.
func (s *service) Session(st grpc.BidiStreamingServer[txcpb.Frame, txcpb.Frame]) error {
	if s.s.o.NoStreams {
		return s.UnimplementedParticipantServer.Session(st)
	}
	v := &coming{
		service: s, stream: st, reader: frame.NewMessageReader(frame.AtParticipant, s.cluster, s.a.Name()),
		out: newOutbox[protocol.Message](MaxQueue), met: make(chan struct{}), gone: make(chan struct{}),
	}
	v.agent = s.a.Connect(v.receive)
	defer v.out.close()
	defer v.agent.Close()
	return s.s.session(st, v.gone, v.read, v.send)
}

// receive takes what the agent says. A coordinator that does not read loses its stream, and is told all on the next.
func (v *coming) receive(up bool, batch []protocol.Message) {
	if !up || !v.out.put(batch...) {
		v.over.Do(func() { close(v.gone) })
	}
}

func (v *coming) read(context.Context) error {
	var batch []protocol.Message
	for met := false; ; {
		var raw Frame
		if err := v.stream.RecvMsg(&raw); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var err error
		if batch, err = v.reader.Read(raw.Bytes, batch[:0]); err != nil {
			if errors.Is(err, frame.ErrDisagree) {
				v.service.s.o.Logger.Warn("a coordinator was refused", "err", err)
			}
			return err
		}
		if !met {
			met = true
			close(v.met)
		}
		if !v.agent.Submit(batch) {
			return txc.Refuse(txc.ErrBusy, txc.CodeBusy, "too many messages wait for the participant")
		}
		clear(batch)
	}
}

func (v *coming) send(ctx context.Context) error {
	select {
	case <-v.met:
	case <-ctx.Done():
		return ctx.Err()
	}
	peer, _ := v.reader.Peer()
	w := frame.NewMessageWriter(frame.NewHello(v.service.s.o.Software))
	w.Meet(peer)
	f := framer[protocol.Message]{stream: v.stream, pack: w.Append, refuse: v.service.s.unsaid, count: v.service.s.o.Traffic}
	var batch []protocol.Message
	for {
		if batch = v.out.take(ctx, batch); batch == nil {
			return ctx.Err()
		}
		if err := f.send(batch); err != nil {
			return err
		}
	}
}

// unsaid drops a message that no frame takes; it is a fault of this side's, so a person should know.
func (s *Server) unsaid(m protocol.Message, err error) (protocol.Message, bool) {
	s.o.Logger.Error("a message cannot be sent", "tx", m.ID, "what", fmt.Sprintf("%T", m.Body), "err", err)
	return m, false
}

// once puts one message to the agent in a session of its own, and waits for the one that answers it.
func (s *service) once(ctx context.Context, m protocol.Message) (protocol.Body, error) {
	ch := make(chan protocol.Body, 1)
	session := s.a.Connect(func(up bool, batch []protocol.Message) {
		for _, r := range batch {
			select {
			case ch <- r.Body:
			default: // only the first answers
			}
		}
		if !up {
			select {
			case ch <- nil:
			default:
			}
		}
	})
	defer session.Close()
	if !session.Submit([]protocol.Message{m}) {
		return nil, txc.Refuse(txc.ErrBusy, txc.CodeBusy, "too many messages wait for the participant")
	}
	select {
	case body := <-ch:
		if body == nil {
			return nil, errClosing
		}
		return body, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
