package main

import (
	"cmp"
	"strings"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/client"
)

// The objects of -o json are a contract: docs/json.md and its schema. Fields are only ever added.

type txObject struct {
	ID        string                    `json:"id"`
	Mark      string                    `json:"mark,omitempty"`
	Key       string                    `json:"key"`
	Outcome   string                    `json:"outcome"`
	Applied   bool                      `json:"applied"`
	Heuristic string                    `json:"heuristic"`
	State     *string                   `json:"state"` // null: not known
	Replayed  bool                      `json:"replayed"`
	Presumed  bool                      `json:"presumed"`
	Older     bool                      `json:"older,omitempty"`
	Reason    *reasonObject             `json:"reason"`
	Branches  []branchObject            `json:"branches"`
	Results   map[string][]resultObject `json:"results"`
	Labels    map[string]string         `json:"labels"`
	Began     *string                   `json:"began"` // null: not known
	Took      *string                   `json:"took"`  // null: not known

	ownKey bool // nobody chose the key: people need not see it
}

type reasonObject struct {
	Code        string `json:"code"`
	Text        string `json:"text"`
	Participant string `json:"participant"`
	Retryable   bool   `json:"retryable"`
}

type branchObject struct {
	Participant string        `json:"participant"`
	Vote        string        `json:"vote"`
	State       string        `json:"state"`
	Reason      *reasonObject `json:"reason"`
}

// detailObject is what `show` tells: the same and more.
type detailObject struct {
	txObject
	Ended    *string        `json:"ended"`
	Timeline []momentObject `json:"timeline"`
	WaitsFor []string       `json:"waits_for"`
	Blocks   []string       `json:"blocks"`
	Partial  bool           `json:"partial"`
}

type momentObject struct {
	At          string `json:"at"`
	What        string `json:"what"`
	Participant string `json:"participant"`
	Text        string `json:"text"`
	Durable     bool   `json:"durable"`
	LSN         uint64 `json:"lsn"`
}

func outcomeText(o txcpb.Outcome) string {
	switch o {
	case txcpb.Outcome_UNDECIDED:
		return "undecided"
	case txcpb.Outcome_COMMIT:
		return "committed"
	case txcpb.Outcome_ABORT:
		return "aborted"
	default: // P8: a value that we do not know says nothing
		return "unknown"
	}
}

func heuristicText(h txcpb.Heuristic) string {
	switch h {
	case txcpb.Heuristic_NONE:
		return "none"
	case txcpb.Heuristic_MIXED:
		return "mixed"
	default:
		return "hazard"
	}
}

func voteText(v txcpb.Vote) string {
	switch v {
	case txcpb.Vote_NO:
		return "no"
	case txcpb.Vote_YES:
		return "yes"
	case txcpb.Vote_HELD:
		return "held"
	case txcpb.Vote_READ_ONLY:
		return "read-only"
	default:
		return "none"
	}
}

func reasonOf(r *txcpb.Reason) *reasonObject {
	if r == nil || r.GetCode() == "" && r.GetText() == "" {
		return nil
	}
	return &reasonObject{r.GetCode(), r.GetText(), r.GetParticipant(), r.GetRetryable()}
}

// ownKeys is how the keys begin that the client library draws where nobody chose one.
const ownKeys = "own-"

// txOf makes the object of a reply; what a reply does not bear is the caller's to add.
func txOf(r *txcpb.TxReply) txObject {
	o := txObject{
		ID: r.GetId(), Key: r.GetKey(), Outcome: outcomeText(r.GetOutcome()), Applied: r.GetApplied(),
		Heuristic: heuristicText(r.GetHeuristic()), State: stateOf(r), Replayed: r.GetReplayed(), Presumed: r.GetPresumed(), Older: r.GetOlder(),
		ownKey: strings.HasPrefix(r.GetKey(), ownKeys), Reason: reasonOf(r.GetReason()), Branches: []branchObject{}, Results: map[string][]resultObject{}, Labels: map[string]string{},
	}
	if r.GetMark() != 0 {
		o.Mark = txc.FormatMark(r.GetMark())
	}
	for _, b := range r.GetBranches() {
		o.Branches = append(o.Branches, branchObject{b.GetParticipant(), voteText(b.GetVote()), b.GetState(), reasonOf(b.GetReason())})
		if results := resultsOf(b.GetResults()); len(results) > 0 {
			o.Results[b.GetParticipant()] = results
		}
	}
	return o
}

// replyOf puts what the client library tells into the form of the wire: the values of its enums are the same.
func replyOf(r *client.Result) *txcpb.TxReply {
	reply := &txcpb.TxReply{
		Key: r.Key, Outcome: txcpb.Outcome(r.Outcome), Applied: r.Applied, Heuristic: txcpb.Heuristic(r.Heuristic), Reason: reasonPB(r.Reason),
		Age: r.Age, Replayed: r.Replayed, Presumed: r.Presumed, Mark: r.Mark, Older: r.Older,
	}
	if !r.ID.IsZero() {
		reply.Id = r.ID.String()
	}
	for _, b := range r.Branches {
		reply.Branches = append(reply.Branches, &txcpb.BranchReply{
			Participant: b.Participant, Vote: txcpb.Vote(b.Vote), State: b.State, Reason: reasonPB(b.Reason), Results: b.Results,
		})
	}
	return reply
}

func reasonPB(r txc.Reason) *txcpb.Reason {
	if r.IsZero() {
		return nil
	}
	return &txcpb.Reason{Code: string(r.Code), Text: r.Text, Participant: r.Participant, Retryable: r.Retryable}
}

// stateOf is what a reply says of the state, which it does not bear itself.
func stateOf(r *txcpb.TxReply) *string {
	s := ""
	switch {
	case r.GetOutcome() == txcpb.Outcome_ABORT:
		s = "ended"
	case r.GetOutcome() == txcpb.Outcome_COMMIT && r.GetApplied():
		s = "ended"
	case r.GetOutcome() == txcpb.Outcome_COMMIT:
		s = "committing"
	case r.GetOutcome() == txcpb.Outcome_UNDECIDED && r.GetId() != "":
		s = "working"
	default:
		return nil
	}
	return &s
}

func detailOf(d *txcpb.Detail) detailObject {
	o := detailObject{
		txObject: txOf(d.GetTx()), Ended: timeOf(d.GetEndedUnixMs()), Timeline: []momentObject{},
		WaitsFor: listed(d.GetWaitsFor()), Blocks: listed(d.GetBlocks()), Partial: d.GetPartial(),
	}
	if d.GetState() != "" {
		state := d.GetState()
		o.State = &state
	}
	o.Began = timeOf(d.GetBeganUnixMs())
	if d.GetTookUs() > 0 {
		o.Took = durationOf(time.Duration(d.GetTookUs()) * time.Microsecond)
	}
	for k, v := range d.GetLabels() {
		o.Labels[k] = v
	}
	for _, m := range d.GetTimeline() {
		at := cmp.Or(timeOf(m.GetUnixMs()), new(string))
		o.Timeline = append(o.Timeline, momentObject{*at, m.GetWhat(), m.GetParticipant(), m.GetText(), m.GetDurable(), m.GetLsn()})
	}
	return o
}

// listed is a list that is never null.
func listed(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

const timeForm = "2006-01-02T15:04:05.000Z"

func timeOf(ms int64) *string {
	if ms == 0 {
		return nil
	}
	s := time.UnixMilli(ms).UTC().Format(timeForm)
	return &s
}

func durationOf(d time.Duration) *string {
	s := d.Round(time.Microsecond).String()
	return &s
}
