package rpc

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
)

// hear reads a request's sender and what it says, as if both had come over a stream.
func (s *service) hear(from *txcpb.Sender, name string, e *txcpb.Entry) (protocol.Message, error) {
	r := frame.NewMessageReader(frame.AtParticipant, s.cluster, s.a.Name())
	hello := &txcpb.Hello{VersionMin: frame.VersionMin, VersionMax: frame.VersionMax, From: from, Name: name}
	m, err := messageOf(r, &txcpb.Frame{Hello: hello})
	if err != nil || e == nil {
		return m, err
	}
	return messageOf(r, &txcpb.Frame{Entries: []*txcpb.Entry{e}})
}

// say writes the agent's answer as a stream's entry.
func say(from *protocol.Sender, body protocol.Body, about protocol.Message) (*txcpb.Entry, error) {
	w := frame.NewMessageWriter(frame.NewHello(""))
	w.Meet(frame.Hello{From: from})
	e, err := entryOf(w, protocol.Message{ID: about.ID, Mark: about.Mark, Body: body})
	if err != nil {
		return nil, err
	}
	for _, seen := range []*txcpb.Seen{e.GetVote().GetSeen(), e.GetFate().GetSeen(), e.GetFenced().GetSeen()} {
		spell(seen, from)
	}
	return e, nil
}

// spell writes out what a stream leaves away.
func spell(seen *txcpb.Seen, from *protocol.Sender) {
	if seen == nil {
		return
	}
	if seen.Coordinator == 0 {
		seen.Coordinator = from.Coordinator
	}
	if seen.Epoch == 0 {
		seen.Epoch, seen.Mark = from.Epoch, from.Mark
	}
}

const fenced = string(txc.CodeFenced)

func fencedReason() *txcpb.Reason {
	return &txcpb.Reason{Code: fenced, Text: "a later opening of this coordinator is known here", Retryable: true}
}

// Prepare is the unary form of a stream's prepare.
func (s *service) Prepare(ctx context.Context, r *txcpb.PrepareRequest) (*txcpb.PrepareReply, error) {
	e, err := idOf(r.GetId(), 0, r.GetFrom())
	if err != nil {
		return nil, err
	}
	inner := proto.CloneOf(r)
	inner.From, inner.Id, inner.Participant = nil, "", ""
	e.What = &txcpb.Entry_Prepare{Prepare: inner}
	m, err := s.hear(r.GetFrom(), r.GetParticipant(), e)
	if err != nil {
		return nil, err
	}
	body, err := s.once(ctx, m)
	if err != nil {
		return nil, err
	}
	reply, err := say(m.From, body, m)
	if err != nil {
		return nil, err
	}
	if f := reply.GetFenced(); f != nil {
		return &txcpb.PrepareReply{Vote: txcpb.Vote_NO, Reason: fencedReason(), Seen: f.GetSeen()}, nil
	}
	if reply.GetVote() == nil {
		return nil, fmt.Errorf("%w: %T answers a prepare", txc.ErrUnknown, body)
	}
	return reply.GetVote(), nil
}

// Commit is the unary form of a stream's commit.
func (s *service) Commit(ctx context.Context, r *txcpb.CommitRequest) (*txcpb.FateReply, error) {
	e, err := idOf(r.GetId(), r.GetMark(), r.GetFrom())
	if err != nil {
		return nil, err
	}
	e.What = &txcpb.Entry_Commit{Commit: &txcpb.CommitRequest{Evidence: r.GetEvidence(), Relaxed: r.GetRelaxed()}}
	return s.fate(ctx, r, e)
}

// Abort is the unary form of a stream's abort.
func (s *service) Abort(ctx context.Context, r *txcpb.CommitRequest) (*txcpb.FateReply, error) {
	e, err := idOf(r.GetId(), r.GetMark(), r.GetFrom())
	if err != nil {
		return nil, err
	}
	e.What = &txcpb.Entry_Abort{Abort: &txcpb.CommitRequest{Evidence: r.GetEvidence()}}
	return s.fate(ctx, r, e)
}

func (s *service) fate(ctx context.Context, r *txcpb.CommitRequest, e *txcpb.Entry) (*txcpb.FateReply, error) {
	m, err := s.hear(r.GetFrom(), r.GetParticipant(), e)
	if err != nil {
		return nil, err
	}
	body, err := s.once(ctx, m)
	if err != nil {
		return nil, err
	}
	reply, err := say(m.From, body, m)
	if err != nil {
		return nil, err
	}
	if f := reply.GetFenced(); f != nil {
		return &txcpb.FateReply{Reason: fencedReason(), Seen: f.GetSeen()}, nil
	}
	if reply.GetFate() == nil { // a vote: the branch was still preparing, and has refused; its fate is not known by it
		return &txcpb.FateReply{}, nil
	}
	return reply.GetFate(), nil
}

// Recover is the unary form of a hello and of a stream's list.
func (s *service) Recover(ctx context.Context, r *txcpb.RecoverRequest) (*txcpb.RecoverReply, error) {
	hello, err := s.hear(r.GetFrom(), r.GetParticipant(), nil)
	if err != nil {
		return nil, err
	}
	reply := &txcpb.RecoverReply{}
	if n := r.GetProofs(); r.GetLook() && n > 0 {
		return s.proofs(ctx, hello.From.Coordinator, r.GetPage(), min(n, maxProofs))
	}
	if r.GetLook() {
		found, err := s.a.InDoubt(ctx, hello.From.Coordinator)
		for i := range found {
			reply.InDoubt = append(reply.InDoubt, inDoubtPB(&found[i]))
		}
		return reply, err
	}
	if r.GetPage() == "" {
		body, err := s.once(ctx, hello)
		if err != nil {
			return nil, err
		}
		switch w := body.(type) {
		case protocol.Fenced:
			return &txcpb.RecoverReply{Reason: fencedReason(), Seen: seenPB([]protocol.Seen{w.Seen})}, nil
		case protocol.Welcome:
			reply.Instance, reply.Incarnation, reply.Stamp = w.Instance[:], w.Incarnation, w.Stamp
			reply.Participant, reply.Software = w.Name, w.Software
		default:
			return nil, fmt.Errorf("%w: %T answers a hello", txc.ErrUnknown, body)
		}
	}
	body, err := s.once(ctx, protocol.Message{From: hello.From, Body: protocol.List{Page: r.GetPage()}})
	if err != nil {
		return nil, err
	}
	switch l := body.(type) {
	case protocol.Fenced:
		return &txcpb.RecoverReply{Reason: fencedReason(), Seen: seenPB([]protocol.Seen{l.Seen})}, nil
	case protocol.Listed:
		reply.Seen, reply.NextPage = seenPB(l.Seen), l.Next
		for i := range l.InDoubt {
			reply.InDoubt = append(reply.InDoubt, inDoubtPB(&l.InDoubt[i]))
		}
		for _, p := range l.Committed {
			reply.Committed = append(reply.Committed, frame.FormatProof(p))
		}
		return reply, nil
	default:
		return nil, fmt.Errorf("%w: %T answers a list", txc.ErrUnknown, body)
	}
}

// maxProofs keeps a page of markers below what a message may have.
const maxProofs = 4000

// proofs is a page of markers for somebody who only looks.
func (s *service) proofs(ctx context.Context, coordinator uint32, page string, n uint32) (*txcpb.RecoverReply, error) {
	var from txc.ID
	var err error
	if page != "" {
		if from, err = parseID(page); err != nil {
			return nil, err
		}
	}
	all, next, err := s.a.Proofs(ctx, coordinator, from, int(n))
	if err != nil {
		return nil, err
	}
	reply := &txcpb.RecoverReply{ProofsTold: true}
	for _, p := range all {
		reply.Committed = append(reply.Committed, frame.FormatProof(p))
	}
	if !next.IsZero() {
		reply.NextPage = next.String()
	}
	return reply, nil
}

// Check tells of the store.
func (s *service) Check(ctx context.Context, _ *txcpb.CheckRequest) (*txcpb.CheckReply, error) {
	r, err := s.a.Check(ctx)
	if err != nil {
		return nil, err
	}
	r.Clock, r.ProtocolMin, r.ProtocolMax = time.Now(), frame.VersionMin, frame.VersionMax
	return reportPB(&r), nil
}

// Settle is an operator's deed, straight at the participant.
func (s *service) Settle(ctx context.Context, r *txcpb.ResolveRequest) (*txcpb.FateReply, error) {
	id, err := parseID(r.GetId())
	if err != nil {
		return nil, err
	}
	if r.GetParticipant() != "" && r.GetParticipant() != s.a.Name() {
		return nil, txc.Refuse(txc.ErrInvalid, txc.CodeUnknownParticipant, fmt.Sprintf("this is %q, not %q", s.a.Name(), r.GetParticipant()))
	}
	outcome := txc.Outcome(known(r.GetOutcome(), txcpb.Outcome_NOT_MINE))
	if !outcome.Decided() || r.GetReason() == "" || r.GetWho() == "" {
		return nil, txc.Refuse(txc.ErrInvalid, txc.CodeBadWork, "commit or abort, who, and a reason are needed")
	}
	fate, err := s.a.Settle(ctx, id, r.GetMark(), outcome, frame.CutText(r.GetWho()), frame.CutText(r.GetReason()))
	if err != nil {
		return nil, err
	}
	return &txcpb.FateReply{Fate: txcpb.Fate(fate)}, nil
}
