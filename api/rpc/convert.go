package rpc

import (
	"fmt"
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
)

// Requests and replies have three forms: generated messages of the unary methods, package frame's of the streams, and
// the coordinator's own. Frame's are in the middle: both ways in are checked there, and only there.

func parseID(s string) (txc.ID, error) {
	id, err := txc.ParseID(s)
	if err != nil {
		return id, txc.Refuse(txc.ErrInvalid, txc.CodeBadName, err.Error())
	}
	return id, nil
}

func beginOf(b *txcpb.BeginRequest) frame.Begin {
	return frame.Begin{
		Key: b.GetKey(), OwnKey: b.GetOwnKey(), Timeout: time.Duration(b.GetTimeoutMs()) * time.Millisecond, Labels: b.GetLabels(),
		Age: b.GetAge(), FirstSentAgo: time.Duration(min(b.GetFirstSentMsAgo(), 1<<32)) * time.Millisecond,
	}
}

func branchOf(e *txcpb.Enlistment) frame.Branch {
	return frame.Branch{Participant: e.GetParticipant(), Work: e.GetWork(), Joined: e == nil || e.Work == nil, Calls: e.GetCalls(), Incarnation: e.GetIncarnation()}
}

func branchesOf(list []*txcpb.Enlistment) []frame.Branch {
	all := make([]frame.Branch, len(list))
	for i, e := range list {
		all[i] = branchOf(e)
	}
	return all
}

// ask makes the coordinator's event of a request that was checked.
func ask(body frame.RequestBody, t coordinator.Token) coordinator.Event {
	switch b := body.(type) {
	case frame.Run:
		r := requestOf(&b.Begin)
		r.Work, r.Wait = worksOf(b.Branches), waitOf(b.Decided)
		return coordinator.AskRun{Token: t, Request: r}
	case frame.Begin:
		return coordinator.AskBegin{Token: t, Request: requestOf(&b)}
	case frame.Enlist:
		return coordinator.AskEnlist{Token: t, ID: b.ID, Mark: b.Mark, Work: workOf(&b.Branch)}
	case frame.End:
		if b.Abort {
			return coordinator.AskAbort{Token: t, ID: b.ID, Mark: b.Mark, Why: b.Why}
		}
		return coordinator.AskCommit{Token: t, ID: b.ID, Mark: b.Mark, Wait: waitOf(b.Decided), Joined: worksOf(b.Joined)}
	case frame.Outcome:
		return coordinator.AskOutcome{Token: t, ID: b.ID, Mark: b.Mark, Key: b.Key}
	default:
		panic(fmt.Sprintf("%T passed the gate", body))
	}
}

func requestOf(b *frame.Begin) coordinator.Request {
	return coordinator.Request{Key: b.Key, OwnKey: b.OwnKey, FirstSentAgo: b.FirstSentAgo, Timeout: b.Timeout, Labels: b.Labels, Age: b.Age}
}

func waitOf(decided bool) coordinator.Wait {
	if decided {
		return coordinator.Decided
	}
	return coordinator.Applied
}

func worksOf(branches []frame.Branch) []coordinator.Work {
	all := make([]coordinator.Work, len(branches))
	for i := range branches {
		all[i] = workOf(&branches[i])
	}
	return all
}

// workOf: nil work means joined there. Shipped work that is empty is not nil, by either way in.
func workOf(b *frame.Branch) coordinator.Work {
	w := coordinator.Work{Participant: b.Participant, Calls: b.Calls, Incarnation: b.Incarnation}
	if !b.Joined {
		w.Work = b.Work
	}
	return w
}

func txOf(r *coordinator.Result) frame.Tx {
	t := frame.Tx{
		ID: r.ID, Mark: r.Mark, Key: r.Key, Outcome: r.Outcome, Applied: r.Applied, Replayed: r.Replayed, Presumed: r.Presumed, Older: r.Older,
		Heuristic: frame.Heuristic(r.Heuristic), Reason: r.Reason, Age: r.Age,
	}
	if len(r.Branches) > 0 {
		t.Branches = make([]frame.BranchTx, len(r.Branches))
	}
	for i, b := range r.Branches {
		t.Branches[i] = frame.BranchTx(b)
	}
	return t
}

func txPB(t *frame.Tx) *txcpb.TxReply {
	p := &txcpb.TxReply{
		Key: t.Key, Outcome: txcpb.Outcome(t.Outcome), Applied: t.Applied, Heuristic: txcpb.Heuristic(t.Heuristic), Reason: reasonPB(t.Reason),
		Age: t.Age, Replayed: t.Replayed, Presumed: t.Presumed, Mark: t.Mark, Older: t.Older,
	}
	if !t.ID.IsZero() {
		p.Id = t.ID.String()
	}
	for _, b := range t.Branches {
		p.Branches = append(p.Branches, &txcpb.BranchReply{
			Participant: b.Participant, Vote: txcpb.Vote(b.Vote), State: b.State, Reason: reasonPB(b.Reason), Results: b.Results,
		})
	}
	return p
}

// TxOf reads a reply of the unary methods. The error wraps txc.ErrInvalid: the peer is not a coordinator of ours.
func TxOf(p *txcpb.TxReply) (frame.Tx, error) {
	t := frame.Tx{
		Mark: p.GetMark(), Key: p.GetKey(), Outcome: txc.Outcome(known(p.GetOutcome(), txcpb.Outcome_NOT_MINE)), Applied: p.GetApplied(),
		Replayed: p.GetReplayed(), Presumed: p.GetPresumed(), Older: p.GetOlder(),
		Heuristic: frame.Heuristic(known(p.GetHeuristic(), txcpb.Heuristic_HAZARDOUS)), Reason: ReasonOf(p.GetReason()), Age: p.GetAge(),
	}
	if p.GetId() != "" {
		id, err := txc.ParseID(p.GetId())
		if err != nil {
			return t, err
		}
		t.ID = id
	}
	for _, b := range p.GetBranches() {
		t.Branches = append(t.Branches, frame.BranchTx{
			Participant: b.GetParticipant(), Vote: txc.Vote(known(b.GetVote(), txcpb.Vote_READ_ONLY)), State: b.GetState(),
			Reason: ReasonOf(b.GetReason()), Results: b.GetResults(),
		})
	}
	return t, nil
}

// known gives zero, the careful value, for what is above the highest known.
func known[E ~int32](v, highest E) uint8 {
	if v < 0 || v > highest {
		return 0
	}
	return uint8(v)
}

func reasonPB(r txc.Reason) *txcpb.Reason {
	if r.IsZero() {
		return nil
	}
	return &txcpb.Reason{Code: string(r.Code), Text: r.Text, Participant: r.Participant, Retryable: r.Retryable}
}

// ReasonOf reads a reason; a code that is not in the table is not retryable.
func ReasonOf(p *txcpb.Reason) txc.Reason {
	code := txc.Code(p.GetCode())
	return txc.Reason{Code: code, Text: p.GetText(), Participant: p.GetParticipant(), Retryable: p.GetRetryable() && code.Known()}
}

func seenPB(list []coordinator.Seen) []*txcpb.Seen {
	all := make([]*txcpb.Seen, len(list))
	for i, s := range list {
		all[i] = &txcpb.Seen{Coordinator: s.Coordinator, Epoch: s.Epoch, Lsn: s.LSN, Mark: s.Mark}
	}
	return all
}

// seenOf reads witnesses; more than frame.MaxSeen are refused.
func seenOf(list []*txcpb.Seen) ([]coordinator.Seen, error) {
	if len(list) > frame.MaxSeen {
		return nil, txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("%d witnesses, at most %d", len(list), frame.MaxSeen))
	}
	all := make([]coordinator.Seen, len(list))
	for i, s := range list {
		all[i] = coordinator.Seen{Coordinator: s.GetCoordinator(), Epoch: s.GetEpoch(), Mark: s.GetMark(), LSN: s.GetLsn()}
	}
	return all, nil
}

func instanceOf(b []byte) (id [16]byte, err error) {
	if len(b) != len(id) {
		return id, txc.Refuse(txc.ErrInvalid, txc.CodeBadName, fmt.Sprintf("a store's identity has 16 bytes, not %d", len(b)))
	}
	copy(id[:], b)
	return id, nil
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func detailPB(d *coordinator.Detail) *txcpb.Detail {
	t := txOf(&d.Result)
	p := &txcpb.Detail{
		Tx: txPB(&t), State: d.State, BeganUnixMs: unixMilli(d.Began), EndedUnixMs: unixMilli(d.Ended), Labels: d.Labels,
		WaitsFor: slices.Clone(d.WaitsFor), Blocks: slices.Clone(d.Blocks), Partial: d.Partial,
	}
	switch {
	case d.Began.IsZero(), d.Ended.IsZero() && d.State == "ended": // nobody remembers when
	case d.Ended.IsZero():
		p.TookUs = time.Since(d.Began).Microseconds()
	default:
		p.TookUs = d.Ended.Sub(d.Began).Microseconds()
	}
	for _, m := range d.Timeline {
		p.Timeline = append(p.Timeline, &txcpb.Moment{
			UnixMs: unixMilli(m.When), What: m.What, Participant: m.Participant, Text: m.Text, Durable: m.Durable, Lsn: m.LSN,
		})
	}
	return p
}

func filterOf(r *txcpb.ListRequest) coordinator.Filter {
	f := coordinator.Filter{States: r.GetStates(), Participant: r.GetParticipant(), Labels: r.GetLabels(), Limit: int(min(r.GetLimit(), 1<<20)), Page: r.GetPage()}
	if r.GetSinceUnixMs() != 0 {
		f.Since = time.UnixMilli(r.GetSinceUnixMs())
	}
	return f
}
