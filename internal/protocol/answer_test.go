package protocol_test

import (
	"testing"

	"github.com/txc-dev/txc"
	. "github.com/txc-dev/txc/internal/protocol"
)

func TestAnswerParticipant(t *testing.T) {
	for _, r := range []struct {
		proves string
		known  Known
		asker  Asker
		want   txc.Outcome
	}{
		{"C4: of another cluster, number or mark", Known{Recorded: true, Heard: true}, Asker{}, txc.NotMine},
		{"C4: while it runs", Known{Ours: true, Running: true, ThisOpening: true}, Asker{}, txc.Undecided},
		{"C4: while it runs nothing is read from the log", Known{Ours: true, Running: true, Recorded: true, ThisOpening: true}, Asker{}, txc.Undecided},
		{"C4: recorded", Known{Ours: true, Recorded: true}, Asker{}, txc.Committed},
		{"C4: recorded, of a disowned opening", Known{Ours: true, Recorded: true, Disowned: true}, Asker{}, txc.Committed},
		{"C4: recorded, and acknowledged by the asker: history is not told as news", Known{Ours: true, Recorded: true, Heard: true}, Asker{Acknowledged: true}, txc.Finished},
		{"C4, P12: below the floor, and no stamp would show a restored copy", Known{Ours: true, BelowFloor: true, Heard: true}, Asker{}, txc.Finished},
		{"C4, P12: below the floor, with a stamp", Known{Ours: true, BelowFloor: true, Heard: true}, Asker{Stamped: true}, txc.Aborted},
		{"C4: of this opening, and not recorded", Known{Ours: true, ThisOpening: true}, Asker{}, txc.Aborted},
		{"C5: of this opening, never issued: presumed is nothing", Known{Ours: true, ThisOpening: true, NeverIssued: true}, Asker{}, txc.Undecided},
		{"C6: of an older opening, every member heard", Known{Ours: true, Heard: true}, Asker{}, txc.Aborted},
		{"C6: of an older opening, a member is missing", Known{Ours: true}, Asker{Stamped: true}, txc.Undecided},
		{"C6, C12: disowned for ever", Known{Ours: true, Disowned: true, Heard: true}, Asker{Stamped: true}, txc.Undecided},
		{"the zero value is the safe belief", Known{}, Asker{}, txc.NotMine},
	} {
		if got := AnswerParticipant(r.known, r.asker); got != r.want {
			t.Errorf("%s: got %v, want %v", r.proves, got, r.want)
		}
	}
}

func TestAnswerClient(t *testing.T) {
	for _, r := range []struct {
		proves string
		known  Known
		want   ClientAnswer
	}{
		{"C4: of another cluster or number", Known{}, ClientNoSuch},
		{"C4: while it runs, whatever the log says", Known{Ours: true, Running: true, Recorded: true}, ClientUndecided},
		{"C4: recorded: a client is told history", Known{Ours: true, Recorded: true, BelowFloor: true, Disowned: true}, ClientCommitted},
		{"C4: of this opening, above the last one issued", Known{Ours: true, ThisOpening: true, NeverIssued: true}, ClientNoSuch},
		{"C4: of this opening, not recorded", Known{Ours: true, ThisOpening: true}, ClientAborted},
		{"C4: of this opening, at or below the floor: it may have committed", Known{Ours: true, ThisOpening: true, BelowFloor: true}, ClientOlder},
		{"C6: of an older opening, a member is missing", Known{Ours: true, BelowFloor: true, NeverIssued: true}, ClientUnknown},
		{"C6: of an older opening, disowned", Known{Ours: true, Disowned: true, Heard: true}, ClientUnknown},
		{"C4: of an epoch never opened, all heard", Known{Ours: true, Heard: true, NeverIssued: true}, ClientNoSuch},
		{"C4: at or below the floor, all heard", Known{Ours: true, Heard: true, BelowFloor: true}, ClientOlder},
		{"C4: else aborted", Known{Ours: true, Heard: true}, ClientAborted},
	} {
		if got := AnswerClient(r.known); got != r.want {
			t.Errorf("%s: got %v, want %v", r.proves, got, r.want)
		}
	}
}

func TestJudgeOrphan(t *testing.T) {
	all := Prepared{Ours: true, InP: true, Looked: true, InQ: true, Heard: true}
	but := func(change func(*Prepared)) Prepared { p := all; change(&p); return p }
	for _, r := range []struct {
		proves string
		p      Prepared
		want   OrphanAction
	}{
		{"C9: in P and Q, in neither T nor A, heard", all, AbortOrphan},
		{"C9: in T, P and Q", but(func(p *Prepared) { p.Commit = true }), CommitOrphan},
		{"C9: in T, P and Q, its fellows not heard: a decision is a decision", but(func(p *Prepared) { p.Commit, p.Heard = true, false }), CommitOrphan},
		{"C9: in A: it runs", but(func(p *Prepared) { p.Running = true }), NextRound},
		{"C9: in A and T: it runs", but(func(p *Prepared) { p.Running, p.Commit = true, true }), NextRound},
		{"C9: not in P: it may have begun since", but(func(p *Prepared) { p.InP = false }), NextRound},
		{"C9: not in Q: it has ended since", but(func(p *Prepared) { p.InQ, p.Commit = false, true }), NextRound},
		{"C9: a log that cannot be read", but(func(p *Prepared) { p.Looked = false }), NextRound},
		{"C9: foreign ones are never touched", but(func(p *Prepared) { p.Ours, p.Commit = false, true }), NextRound},
		{"C6, C9: members not heard", but(func(p *Prepared) { p.Heard = false }), NextRound},
		{"C4, C9: acknowledged, or too old to tell: left to a person", but(func(p *Prepared) { p.Over = true }), NextRound},
		{"C4, C9: acknowledged, and in T", but(func(p *Prepared) { p.Over, p.Commit = true, true }), NextRound},
		{"the zero value is left alone", Prepared{}, NextRound},
	} {
		if got := JudgeOrphan(r.p); got != r.want {
			t.Errorf("%s: got %d, want %d", r.proves, got, r.want)
		}
	}
}
