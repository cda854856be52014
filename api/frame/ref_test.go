package frame_test

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
)

// The reference reads frames with the generated code, in the plainest way. It has no limits, and trusts what it reads:
// it is asked only about frames that the reader under test has taken.

type reference struct {
	opening frame.Opening
	welcome *txcpb.Hello
	from    protocol.Sender
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func unmarshal(b []byte) *txcpb.Frame {
	var f txcpb.Frame
	if err := proto.Unmarshal(b, &f); err != nil {
		panic(fmt.Errorf("the generated code refuses what the reader took: %w\n%x", err, b))
	}
	return &f
}

func id(s string) txc.ID {
	if s == "" {
		return txc.ID{}
	}
	return must(txc.ParseID(s))
}

func reason(r *txcpb.Reason) txc.Reason {
	text := r.GetText()
	for len(text) > frame.MaxText {
		runes := []rune(text)
		text = string(runes[:len(runes)-1])
	}
	code := txc.Code(r.GetCode())
	return txc.Reason{Code: code, Text: text, Participant: r.GetParticipant(), Retryable: r.GetRetryable() && code.Known()}
}

func known[E ~int32](v E, highest E) uint8 {
	if v < 0 || v > highest {
		return 0
	}
	return uint8(v)
}

func (r *reference) seen(s *txcpb.Seen) protocol.Seen {
	if s == nil {
		return protocol.Seen{}
	}
	out := protocol.Seen{Coordinator: s.Coordinator, Epoch: s.Epoch, Mark: s.Mark, LSN: s.Lsn}
	if out.Coordinator == 0 {
		out.Coordinator = r.opening.Coordinator
		if out.Epoch == 0 && out.Mark == 0 {
			out.Epoch, out.Mark = r.opening.Epoch, r.opening.Mark
		}
	}
	return out
}

func fullSeen(list []*txcpb.Seen) (out []protocol.Seen) {
	for _, s := range list {
		out = append(out, protocol.Seen{Coordinator: s.Coordinator, Epoch: s.Epoch, Mark: s.Mark, LSN: s.Lsn})
	}
	return out
}

func (r *reference) change(s *txcpb.Sender) {
	r.from.LSN = s.Lsn
	if s.WatermarkSequence == 0 && s.Watermark == "" {
		return
	}
	r.watermark(s)
}

func (r *reference) watermark(s *txcpb.Sender) {
	r.from.Watermark, r.from.Open = id(s.Watermark), nil
	if s.WatermarkSequence != 0 {
		r.from.Watermark = txc.ID{Coordinator: r.opening.Coordinator, Epoch: r.opening.Epoch, Sequence: s.WatermarkSequence}
	}
	for _, text := range s.Open {
		r.from.Open = append(r.from.Open, id(text))
	}
	last := uint64(0)
	for _, step := range s.OpenSequences {
		last += step
		r.from.Open = append(r.from.Open, txc.ID{Coordinator: r.opening.Coordinator, Epoch: r.opening.Epoch, Sequence: last})
	}
}

func (r *reference) head(e *txcpb.Entry) (txc.ID, uint64) {
	if e.Sequence == 0 {
		return txc.ID{}, 0
	}
	if e.Epoch == 0 {
		return txc.ID{Coordinator: r.opening.Coordinator, Epoch: r.opening.Epoch, Sequence: e.Sequence}, r.opening.Mark
	}
	return txc.ID{Coordinator: r.opening.Coordinator, Epoch: e.Epoch, Sequence: e.Sequence}, e.Mark
}

func (r *reference) messages(f *txcpb.Frame) (out []protocol.Message) {
	if h := f.Hello; h != nil {
		if s := h.From; r.opening == (frame.Opening{}) {
			r.opening = frame.Opening{Cluster: s.Cluster, Coordinator: s.Coordinator, Epoch: s.Epoch, Mark: s.Mark}
			r.from = protocol.Sender{Cluster: s.Cluster, Coordinator: s.Coordinator, Epoch: s.Epoch, Mark: s.Mark, LSN: s.Lsn}
			r.watermark(s)
			out = append(out, protocol.Message{From: r.sender(), Body: protocol.Hello{}})
		} else {
			r.welcome = h
			out = append(out, protocol.Message{Body: protocol.Welcome{
				Name: h.Name, Instance: [16]byte(h.Instance), Incarnation: h.Incarnation, Stamp: h.Stamp, Seen: fullSeen(h.Seen), Software: h.Software,
			}})
		}
	}
	if f.From != nil {
		r.change(f.From)
	}
	for _, e := range f.Entries {
		m := protocol.Message{}
		m.ID, m.Mark = r.head(e)
		toParticipant := true
		switch w := e.What.(type) {
		case *txcpb.Entry_From:
			r.change(w.From)
			continue
		case *txcpb.Entry_Prepare:
			p := w.Prepare
			m.Body = protocol.Prepare{Incarnation: p.Incarnation, Age: p.Age, TimeLeft: time.Duration(p.TimeLeftMs) * time.Millisecond,
				Members: p.Members, MayRelease: p.MayRelease, Joined: p.Work == nil, Calls: p.Calls, Work: p.Work}
		case *txcpb.Entry_Commit:
			m.Body = protocol.Commit{Evidence: w.Commit.Evidence, Relaxed: w.Commit.Relaxed}
		case *txcpb.Entry_Abort:
			m.Body = protocol.Abort{Evidence: w.Abort.Evidence}
		case *txcpb.Entry_Answer:
			m.Body = protocol.Answer{Outcome: txc.Outcome(known(w.Answer.Outcome, 5)), Recorded: w.Answer.Recorded, Acknowledged: w.Answer.Acknowledged}
		case *txcpb.Entry_List:
			m.Body = protocol.List{Page: w.List.Page}
		case nil:
			continue
		default:
			m.Body, toParticipant = r.toCoordinator(e), false
		}
		if toParticipant {
			m.From = r.sender()
		}
		out = append(out, m)
	}
	return out
}

func (r *reference) sender() *protocol.Sender {
	s := r.from
	return &s
}

func (r *reference) toCoordinator(e *txcpb.Entry) protocol.Body {
	switch w := e.What.(type) {
	case *txcpb.Entry_Vote:
		v := w.Vote
		if len(v.Evidence) > txc.MaxEvidence || len(v.Results) > txc.MaxBranchRes {
			return protocol.Vote{Vote: txc.No, Seen: r.seen(v.Seen), Stamp: v.Stamp, Reason: txc.Reason{Code: txc.CodeTooLarge}}
		}
		return protocol.Vote{Vote: txc.Vote(known(v.Vote, 4)), Reason: reason(v.Reason), Certain: v.Certain, Evidence: v.Evidence,
			Results: v.Results, Seen: r.seen(v.Seen), Stamp: v.Stamp}
	case *txcpb.Entry_Fate:
		v := w.Fate
		return protocol.Fated{Fate: txc.Fate(known(v.Fate, 6)), Reason: reason(v.Reason), Seen: r.seen(v.Seen), Stamp: v.Stamp}
	case *txcpb.Entry_Inquiry:
		q := w.Inquiry
		instance := [16]byte(r.welcome.Instance)
		if len(q.Instance) > 0 {
			instance = [16]byte(q.Instance)
		}
		return protocol.Inquiry{Instance: instance, Members: q.Members, Seen: r.seen(q.Seen), Settled: txc.Fate(known(q.Settled, 6)), Why: reason(q.Why)}
	case *txcpb.Entry_Listed:
		l := protocol.Listed{Seen: fullSeen(w.Listed.Seen), Next: w.Listed.NextPage}
		for _, d := range w.Listed.InDoubt {
			in := protocol.InDoubt{ID: id(d.Id), Mark: d.Mark, Evidence: d.Evidence, Members: d.Members, Age: d.Age,
				Settled: txc.Fate(known(d.Settled, 6)), Why: reason(d.Why)}
			if d.SinceUnixMs != 0 {
				in.Since = time.UnixMilli(d.SinceUnixMs).UTC()
			}
			l.InDoubt = append(l.InDoubt, in)
		}
		for _, text := range w.Listed.Committed {
			l.Committed = append(l.Committed, must(frame.ParseProof(text)))
		}
		return l
	case *txcpb.Entry_Fenced:
		return protocol.Fenced{Seen: r.seen(w.Fenced.Seen), About: protocol.About(known(w.Fenced.About, 6))}
	default:
		panic(fmt.Sprintf("the reader took %T", e.What))
	}
}

func (r *reference) requests(f *txcpb.Frame) (out []frame.Request) {
	for _, e := range f.Entries {
		q := frame.Request{N: e.N}
		tx, mark := r.head(e)
		switch w := e.What.(type) {
		case *txcpb.Entry_Run:
			q.Body = frame.Run{Begin: begin(w.Run.Begin), Branches: branches(w.Run.Branches), Decided: w.Run.Wait == txcpb.Wait_DECIDED}
		case *txcpb.Entry_Begin:
			q.Body = begin(w.Begin)
		case *txcpb.Entry_Enlist:
			body := frame.Enlist{ID: tx, Mark: mark}
			if w.Enlist.Branch != nil {
				body.Branch = branches([]*txcpb.Enlistment{w.Enlist.Branch})[0]
			}
			q.Body = body
		case *txcpb.Entry_EndCommit:
			q.Body = end(w.EndCommit, tx, mark, false)
		case *txcpb.Entry_EndAbort:
			q.Body = end(w.EndAbort, tx, mark, true)
		case *txcpb.Entry_Outcome:
			q.Body = frame.Outcome{ID: tx, Mark: mark, Key: w.Outcome.Key}
		case nil:
			continue
		default:
			panic(fmt.Sprintf("the reader took %T", e.What))
		}
		out = append(out, q)
	}
	return out
}

func begin(b *txcpb.BeginRequest) frame.Begin {
	return frame.Begin{Key: b.GetKey(), OwnKey: b.GetOwnKey(), Timeout: time.Duration(b.GetTimeoutMs()) * time.Millisecond, Labels: b.GetLabels(),
		Age: b.GetAge(), FirstSentAgo: time.Duration(min(b.GetFirstSentMsAgo(), 1<<32)) * time.Millisecond}
}

func branches(list []*txcpb.Enlistment) (out []frame.Branch) {
	for _, e := range list {
		out = append(out, frame.Branch{Participant: e.Participant, Work: e.Work, Joined: e.Work == nil, Calls: e.Calls, Incarnation: e.Incarnation})
	}
	return out
}

func end(e *txcpb.EndRequest, tx txc.ID, mark uint64, abort bool) frame.End {
	return frame.End{ID: tx, Mark: mark, Abort: abort, Why: reason(&txcpb.Reason{Text: e.Reason}).Text,
		Decided: e.Wait == txcpb.Wait_DECIDED, Joined: branches(e.Joined)}
}

func (r *reference) replies(f *txcpb.Frame) (out []frame.Reply) {
	for _, e := range f.Entries {
		q := frame.Reply{N: e.N}
		switch w := e.What.(type) {
		case *txcpb.Entry_Begun:
			q.Body = frame.Begun(r.tx(e, w.Begun))
		case *txcpb.Entry_Done:
			q.Body = frame.Done(r.tx(e, w.Done))
		case *txcpb.Entry_Refused:
			q.Body = frame.Refused{Status: uint32(w.Refused.Status), Reason: reason(w.Refused.Reason)}
		case nil:
			continue
		default:
			panic(fmt.Sprintf("the reader took %T", e.What))
		}
		out = append(out, q)
	}
	return out
}

func (r *reference) tx(e *txcpb.Entry, t *txcpb.TxReply) frame.Tx {
	out := frame.Tx{Key: t.Key, Outcome: txc.Outcome(known(t.Outcome, 5)), Applied: t.Applied, Replayed: t.Replayed,
		Presumed: t.Presumed, Older: t.Older, Heuristic: frame.Heuristic(known(t.Heuristic, 2)), Reason: reason(t.Reason), Age: t.Age}
	if out.ID, out.Mark = r.head(e); out.ID.IsZero() {
		out.ID, out.Mark = id(t.Id), t.Mark
	}
	for _, b := range t.Branches {
		out.Branches = append(out.Branches, frame.BranchTx{Participant: b.Participant, Vote: txc.Vote(known(b.Vote, 4)), State: b.State,
			Reason: reason(b.Reason), Results: b.Results})
	}
	return out
}
