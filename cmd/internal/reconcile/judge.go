package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
)

// judge compares what was shown of some ids with what the coordinator says of them afterwards.
func (r *run) judge(ctx context.Context, batch []*group) error {
	ids := make([]key, 0, len(batch))
	for _, g := range batch {
		ids = append(ids, g.key)
	}
	facts, err := r.facts(ctx, ids)
	if err != nil {
		return err
	}
	lost, again := map[string][]key{}, map[string][]key{} // by participant: what time could explain
	for _, g := range batch {
		f := facts[g.key]
		r.judgeProofs(g, f)
		for _, name := range r.names {
			if d := g.doubt[name]; d != nil {
				r.judgeDoubt(g, f, name, d)
			}
			switch state := stateAt(f, name); {
			case waits(state) && g.doubt[name] == nil && !slices.Contains(g.proved, name):
				lost[name] = append(lost[name], g.key)
			case state == coordinator.FactAcknowledged && g.doubt[name] != nil && !settled(g.doubt[name]):
				again[name] = append(again[name], g.key)
			}
		}
	}
	for _, name := range r.names {
		if err := r.confirmAgain(ctx, name, again[name]); err != nil {
			return err
		}
		if err := r.confirmLost(ctx, name, lost[name]); err != nil {
			return err
		}
	}
	return nil
}

func settled(d *txcpb.InDoubt) bool { return d.GetSettled() != txcpb.Fate_FATE_UNSPECIFIED }

// waits tells the members that must still hold a promise or a proof.
func waits(state string) bool {
	return state == coordinator.FactMissing || state == coordinator.FactSettled
}

func stateAt(f *txcpb.Fact, name string) string {
	for _, b := range f.GetBranches() {
		if b.GetParticipant() == name {
			return b.GetState()
		}
	}
	return ""
}

// judgeProofs: a proof without a record.
func (r *run) judgeProofs(g *group, f *txcpb.Fact) {
	switch s := coordinator.Standing(f.GetStanding()); s {
	case coordinator.StandingRunning, coordinator.StandingAborted, coordinator.StandingNoRecord, coordinator.StandingNever, coordinator.StandingForeign:
		for _, name := range g.proved {
			r.find(Finding{
				Name: "record-lost", Participant: name, ID: g.ID.String(),
				Text: fmt.Sprintf("it proves that it committed, and the log has no record of that (%s): the log has lost records, or is an old copy, or somebody else uses this number", s),
				Todo: "docs/operations.md, Records were lost",
			})
		}
	case coordinator.StandingCommitted, coordinator.StandingOlder, coordinator.StandingDisowned, coordinator.StandingNotMine:
	default: // a standing that we do not know proves nothing (P8)
	}
}

// judgeDoubt: a branch that is promised, or was settled without the decision.
func (r *run) judgeDoubt(g *group, f *txcpb.Fact, name string, d *txcpb.InDoubt) {
	finding := Finding{Participant: name, ID: g.ID.String()}
	standing := coordinator.Standing(f.GetStanding())
	if settled(d) {
		if r.judgeSettled(&finding, g, standing, d) {
			r.find(finding)
		}
		return
	}
	switch standing {
	case coordinator.StandingForeign:
		finding.Name, finding.Text = "foreign-opening", "it is promised to an opening of this coordinator that the log does not have: the log is an old copy, or somebody else uses this number"
		finding.Todo = "docs/operations.md, Records were lost"
	case coordinator.StandingDisowned, coordinator.StandingOlder, coordinator.StandingNever:
		finding.Name, finding.Text = "undecidable", fmt.Sprintf("it is in doubt, and the log can no longer tell (%s): %s", standing, fellows(g, name))
		finding.Todo = "settle it as its fellow members stand: txc resolve " + finding.ID + " --participant " + name + " --at ADDRESS"
	case coordinator.StandingRunning, coordinator.StandingCommitted, coordinator.StandingAborted, coordinator.StandingNoRecord, coordinator.StandingNotMine:
		return // on its way
	default:
		return
	}
	r.find(finding)
}

// judgeSettled tells whether a settlement is worth a word.
func (r *run) judgeSettled(f *Finding, g *group, standing coordinator.Standing, d *txcpb.InDoubt) bool {
	how := map[txcpb.Fate]string{txcpb.Fate_COMMITTED_BEFORE: "committed", txcpb.Fate_COMMITTED_NOW: "committed", txcpb.Fate_ABORTED_BEFORE: "aborted", txcpb.Fate_ABORTED_NOW: "aborted"}[d.GetSettled()]
	f.Todo = "txc show " + f.ID + "; repair by hand, then txc acknowledge " + f.ID + " --reason WHY"
	why := d.GetWhy().GetText()
	switch {
	case how == "":
		f.Name, f.Text = "hazard", "its promise is gone, and nobody can tell what became of it: "+why
	case standing == coordinator.StandingCommitted && how == "aborted", standing == coordinator.StandingAborted && how == "committed":
		f.Name, f.Text = "mixed", fmt.Sprintf("decided as %s, and settled here as %s: %s", standing, how, why)
	case standing == coordinator.StandingCommitted || standing == coordinator.StandingAborted:
		return false // it agrees, and is on its way to be dropped
	case standing == coordinator.StandingRunning || standing == coordinator.StandingNotMine:
		return false // not decided yet, or not here
	case how == "aborted" && len(g.proved) > 0:
		f.Name, f.Text = "mixed", fmt.Sprintf("settled here as aborted, and committed at %s: %s", strings.Join(g.proved, ", "), why)
	default:
		f.Name, f.Text = "settled", fmt.Sprintf("settled as %s, and the log cannot tell whether that was right (%s): %s; %s", how, standing, why, fellows(g, f.Participant))
		f.Todo = "see that its fellow members stand alike"
	}
	return true
}

// fellows is what other members show of it.
func fellows(g *group, name string) string {
	var all []string
	for _, p := range g.proved {
		if p != name {
			all = append(all, p+" proves that it committed")
		}
	}
	for p, d := range g.doubt {
		if p != name && settled(d) {
			all = append(all, p+" was settled: "+d.GetWhy().GetText())
		}
	}
	if len(all) == 0 {
		return "no fellow member that was asked shows how it ended"
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// confirmAgain: branches that were acknowledged before their participant listed them once more.
func (r *run) confirmAgain(ctx context.Context, name string, ids []key) error {
	if len(ids) == 0 || r.away[name] {
		return nil
	}
	doubts, err := r.doubtsNow(ctx, name)
	if err != nil || doubts == nil {
		return err
	}
	for _, k := range ids {
		if d := doubts[frame.FormatProof(k)]; d != nil && !settled(d) {
			r.find(Finding{
				Name: "promised-again", Participant: name, ID: k.ID.String(),
				Text: "it has acknowledged the commit, and holds the promise again: its store was restored from a backup",
				Todo: "docs/operations.md, A participant was replaced",
			})
		}
	}
	return nil
}

// confirmLost: members that have not acknowledged and showed nothing. First the promises are listed, then the proof is
// looked for, and at last the coordinator is asked again: whatever happens in between shows at one of them.
func (r *run) confirmLost(ctx context.Context, name string, ids []key) error {
	if len(ids) == 0 || r.away[name] || r.untold[name] {
		return nil
	}
	doubts, err := r.doubtsNow(ctx, name)
	if err != nil || doubts == nil {
		return err
	}
	var left []key
	for _, k := range ids {
		if doubts[frame.FormatProof(k)] != nil {
			continue
		}
		proofs, _, told, err := r.members[name].Proofs(ctx, k.ID.String(), 1)
		if err != nil || !told {
			return r.gone(ctx, name)
		}
		if !slices.Contains(proofs, frame.FormatProof(k)) {
			left = append(left, k)
		}
	}
	facts, err := r.facts(ctx, left)
	if err != nil {
		return err
	}
	for _, k := range left {
		if state := stateAt(facts[k], name); waits(state) {
			r.find(Finding{
				Name: "no-trace", Participant: name, ID: k.ID.String(),
				Text: "it is committed, and this member, which has not acknowledged that, has neither the promise nor a proof: its store has lost the branch",
				Todo: "repair its data by hand; it is recorded as a hazard once the coordinator reaches it: then txc acknowledge " + k.ID.String() + " --reason WHY",
			})
		}
	}
	return nil
}

// doubtsNow lists a participant's branches in doubt, by `<id>.<mark>`; nil: it could not be asked.
func (r *run) doubtsNow(ctx context.Context, name string) (map[string]*txcpb.InDoubt, error) {
	list, err := r.members[name].InDoubt(ctx)
	if err != nil {
		return nil, r.gone(ctx, name)
	}
	all := make(map[string]*txcpb.InDoubt, len(list))
	for _, d := range list {
		all[d.GetId()+"."+txc.FormatMark(d.GetMark())] = d
	}
	return all, nil
}
