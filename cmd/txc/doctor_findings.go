package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/txc-dev/txc/api/txcpb"
)

// visit is what was asked, and what follows from it. Nothing is claimed of what did not answer but that.
type visit struct {
	stale   time.Duration
	status  *txcpb.StatusReply
	members *txcpb.ParticipantsReply
	running *txcpb.ListReply

	found []diagnosisObject
}

// Thresholds.
const (
	maxAhead  = time.Second // clocks decide nothing (S3 is about fairness), but times in lists then mislead, and ages are unfair
	fewSlots  = 5           // less than one in so many is free
	maxListed = 20          // transactions of one kind of finding, one by one
)

// diagnose goes from the coordinator over its participants to transactions.
func (v *visit) diagnose() []diagnosisObject {
	v.found = []diagnosisObject{}
	v.coordinator()
	for i, r := range v.members.GetRegistered() {
		v.participant(i, r)
	}
	v.branches()
	v.transactions()
	return v.found
}

func (v *visit) find(d diagnosisObject) { v.found = append(v.found, d) }

func (v *visit) coordinator() {
	s := v.status
	if state := s.GetState(); state != "serving" {
		todo := "wait, or start it again once it has ended"
		switch state {
		case "refusing":
			todo = "see docs/operations.md, Records were lost: bring the newest log back, or txc accept loss --reason WHY"
		case "waiting":
			todo = "see what it waits for, below"
		}
		v.find(diagnosisObject{Name: "not-serving", Severity: warn, Text: "it is " + state + ": nothing new is begun", Todo: todo})
	}
	if s.GetDiskLow() {
		v.find(diagnosisObject{Name: "disk-low", Severity: warn, Text: fmt.Sprintf("%s are free on the log's disk", bytesWords(s.GetDiskFree())),
			Todo: "free space, or lower --history-age and --history-size"})
	}
	for _, w := range s.GetWaitingFor() {
		if !v.aboutParticipant(w) {
			v.find(diagnosisObject{Name: "waits", Severity: warn, Text: w, Todo: "txc status; txc list --state in-doubt"})
		}
	}
	v.own("", s.GetLog().GetFindings())
}

// own are the findings that a store, or the log, has about itself: their texts say what to do.
func (v *visit) own(participant string, all []*txcpb.Finding) {
	for _, f := range all {
		v.find(diagnosisObject{Name: f.GetName(), Severity: severityOf(f), Participant: participant, Text: f.GetText(), Waived: f.GetWaived()})
	}
}

// aboutParticipant tells the words that a participant's own findings say as well.
func (v *visit) aboutParticipant(words string) bool {
	return slices.ContainsFunc(v.members.GetRegistered(), func(r *txcpb.RegisterRequest) bool {
		return strings.HasPrefix(words, r.GetName()+" is quarantined: ") || words == r.GetName()+" has not been heard"
	})
}

// quarantine is why a participant is quarantined.
func (v *visit) quarantine(name string) string {
	for _, w := range v.status.GetWaitingFor() {
		if why, ok := strings.CutPrefix(w, name+" is quarantined: "); ok {
			return why
		}
	}
	return "its store is not the one that was known"
}

func (v *visit) participant(i int, r *txcpb.RegisterRequest) {
	find := func(name, severity, todo, format string, args ...any) {
		v.find(diagnosisObject{Name: name, Severity: severity, Participant: r.GetName(), Text: fmt.Sprintf(format, args...), Todo: todo})
	}
	state := at(v.members.GetStates(), i)
	switch state {
	case "removed", "gone":
		return // nothing is expected of it
	case "quarantined":
		find(state, warn, "start it on its own store again, or repair what this one lost; then txc accept participant "+r.GetName()+" --reason WHY", "it gets no work: %s", v.quarantine(r.GetName()))
		return // it is not asked: the link is not made
	case "draining":
		find(state, info, "leave it running until it is removed", "it is being removed")
	}
	if slices.Contains(v.members.GetUnreachable(), r.GetName()) {
		todo := "start it, and look at its own log and at the network; only its own transactions wait for it"
		if v.status.GetState() == "refusing" {
			todo = "a coordinator that saw another owner of its number speaks to nobody; txc reconcile asks participants itself"
		}
		find("unreachable", warn, todo, "the coordinator cannot ask it at %s", r.GetAddress())
		return
	}
	if state == "unheard" {
		find(state, warn, "look again in a moment; then see its own log", "it answers, but has not shown all that it holds: it gets no work until then")
	}
	k := at(v.members.GetChecks(), i)
	if k == nil {
		return
	}
	if our := v.status; k.GetProtocolMax() > 0 && our.GetProtocolMax() > 0 && (k.GetProtocolMax() < our.GetProtocolMin() || k.GetProtocolMin() > our.GetProtocolMax()) {
		find("protocol", warn, "use releases that overlap", "it speaks streams of version %s, the coordinator %s",
			versions(k.GetProtocolMin(), k.GetProtocolMax()), versions(our.GetProtocolMin(), our.GetProtocolMax()))
	}
	within := time.Duration(at(v.members.GetWithinUs(), i)) * time.Microsecond
	if ahead := time.Duration(at(v.members.GetAheadUs(), i)) * time.Microsecond; within > 0 && ahead.Abs()-within > maxAhead {
		find("clock", warn, "set the clocks (NTP): no decision rests on them, but times in lists and the order of retries do", "its clock is %v %s the coordinator's", ahead.Abs().Round(time.Millisecond), direction(ahead))
	}
	if n, all := k.GetSlotsFree(), k.GetSlots(); all > 0 && n < all/fewSlots {
		find("slots", warn, "see what is in doubt there; else let the store hold more prepared transactions", "%d of %d branches can still be promised", n, all)
	}
	if n := k.GetForeign(); n > 0 {
		find("foreign", info, "see who made them: they keep locks and slots, and are never touched from here", "%d prepared transactions in its store are not txc's of this cluster", n)
	}
	v.own(r.GetName(), k.GetFindings())
}

func direction(ahead time.Duration) string {
	if ahead < 0 {
		return "behind"
	}
	return "ahead of"
}

// at is a member of a list that a peer may have cut short.
func at[T any](all []T, i int) T {
	if i < len(all) {
		return all[i]
	}
	var none T
	return none
}

// branches are those that participants hold in doubt for long. Their clocks are put right first.
func (v *visit) branches() {
	known := map[string]bool{}
	for _, d := range v.running.GetTransactions() {
		known[d.GetTx().GetId()] = true
	}
	ahead := map[string]time.Duration{}
	for i, r := range v.members.GetRegistered() {
		ahead[r.GetName()] = time.Duration(at(v.members.GetAheadUs(), i)) * time.Microsecond
	}
	more := v.running.GetNextPage() != ""
	told := map[string]int{}
	for _, r := range v.running.GetInDoubt() {
		b := r.GetBranch()
		age := time.UnixMicro(v.status.GetNowUnixUs()).Sub(time.UnixMilli(b.GetSinceUnixMs()).Add(-ahead[r.GetParticipant()]))
		d := diagnosisObject{Severity: warn, Participant: r.GetParticipant(), ID: b.GetId()}
		switch {
		case b.GetSettled() != txcpb.Fate_FATE_UNSPECIFIED:
			d.Name, d.Text = "settled", "it was settled as "+settledText(b.GetSettled())+" without the decision, and is not reconciled yet: "+reasonWords(b.GetWhy())
			d.Todo = "txc show " + b.GetId() + "; where it stands against the decision, repair by hand, then txc acknowledge"
		case age < v.stale:
			continue
		case !known[b.GetId()] && !more:
			d.Name, d.Text = "orphan", fmt.Sprintf("in doubt for %v, and no transaction of it runs here", age.Round(time.Second))
			d.Todo = "it is ended by itself once its members (" + strings.Join(b.GetMembers(), ", ") + ") are heard; if all are, see txc show " + b.GetId() + " and txc resolve"
		default:
			d.Name, d.Text = "in-doubt", fmt.Sprintf("in doubt for %v: its locks are kept", age.Round(time.Second))
			d.Todo = "txc show " + b.GetId() + " tells what it waits for"
		}
		if told[d.Name+d.Participant]++; told[d.Name+d.Participant] <= maxListed {
			v.find(d)
		}
	}
	v.rest(told)
}

// settledText is how a branch was settled: of such a one it says little that it was done before.
func settledText(f txcpb.Fate) string {
	switch f {
	case txcpb.Fate_COMMITTED_BEFORE:
		return "committed"
	case txcpb.Fate_ABORTED_BEFORE:
		return "aborted"
	default:
		return fateText(f)
	}
}

// rest says how many findings of a kind were left out.
func (v *visit) rest(told map[string]int) {
	for _, d := range slices.Clone(v.found) {
		if n := told[d.Name+d.Participant] - maxListed; n > 0 {
			delete(told, d.Name+d.Participant)
			v.find(diagnosisObject{Name: d.Name, Severity: d.Severity, Participant: d.Participant, Text: fmt.Sprintf("and %d more", n), Todo: "txc list --state in-doubt"})
		}
	}
}

// transactions are those that wait for a person, or for a participant for long.
func (v *visit) transactions() {
	told := map[string]int{}
	for _, t := range v.running.GetTransactions() {
		d := diagnosisObject{Severity: warn, ID: t.GetTx().GetId()}
		age := time.UnixMicro(v.status.GetNowUnixUs()).Sub(time.UnixMilli(t.GetBeganUnixMs()))
		switch {
		case t.GetTx().GetHeuristic() != txcpb.Heuristic_NONE && len(t.GetWaitsFor()) > 0:
			d.Name, d.Text = heuristicText(t.GetTx().GetHeuristic()), "decided as "+outcomeText(t.GetTx().GetOutcome())+", and not so everywhere: "+branchWords(t)
			d.Todo = "txc show " + d.ID + "; repair by hand, then txc acknowledge " + d.ID + " --reason WHY"
		case t.GetState() == "committing" && age >= v.stale:
			d.Name, d.Text = "incomplete", fmt.Sprintf("committed, and not everywhere applied after %v: waits for %s", age.Round(time.Second), strings.Join(t.GetWaitsFor(), "; "))
			d.Todo = "bring back whom it waits for; if that will never be: txc resolve " + d.ID + " --participant NAME --outcome committed --reason WHY"
		default:
			continue
		}
		if told[d.Name]++; told[d.Name] <= maxListed {
			v.find(d)
		}
	}
	v.rest(told)
	if v.running.GetNextPage() != "" {
		v.find(diagnosisObject{Name: "busy", Severity: info, Text: fmt.Sprintf("more than %d transactions run: those beyond were not looked at", maxList), Todo: "txc list"})
	}
}

// branchWords tell of the branches that do not stand as decided.
func branchWords(t *txcpb.Detail) string {
	var all []string
	for _, b := range t.GetTx().GetBranches() {
		switch b.GetState() {
		case "heuristic-committed", "heuristic-aborted", "hazard":
			all = append(all, b.GetParticipant()+" "+b.GetState())
		}
	}
	return strings.Join(all, ", ")
}

func reasonWords(r *txcpb.Reason) string {
	if r.GetText() != "" {
		return r.GetText()
	}
	return r.GetCode()
}
