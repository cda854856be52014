package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/reconcile"
)

const mark = ".00000000000000aa"

// books is a coordinator that says what a test has it say, by `<id>.<mark>`.
type books struct {
	facts      map[string]*txcpb.Fact
	unfinished []string
	asked      int
	then       func(asked int) // before each answer about ids
	err        error
}

func (b *books) Facts(_ context.Context, r *txcpb.FactsRequest, _ ...grpc.CallOption) (*txcpb.FactsReply, error) {
	reply := &txcpb.FactsReply{}
	if r.GetUnfinished() {
		for i, id := range b.unfinished {
			if r.GetPage() == "" && i == 0 || i > 0 && b.unfinished[i-1] == r.GetPage() { // a page has one
				reply.Facts = []*txcpb.Fact{{Id: id, Mark: 0xaa, Standing: "committed"}}
				if i < len(b.unfinished)-1 {
					reply.NextPage = id
				}
			}
		}
		return reply, b.err
	}
	b.asked++
	if b.then != nil {
		b.then(b.asked)
	}
	for _, id := range r.GetIds() {
		f := b.facts[id]
		if f == nil {
			f = &txcpb.Fact{Standing: "aborted"}
		}
		reply.Facts = append(reply.Facts, f)
	}
	return reply, b.err
}

// shelf is a participant; a page of its proofs has two.
type shelf struct {
	proofs []string
	doubts []*txcpb.InDoubt
	untold bool
	err    error
}

func (s *shelf) InDoubt(context.Context) ([]*txcpb.InDoubt, error) { return s.doubts, s.err }

func (s *shelf) Proofs(_ context.Context, from string, n uint32) (all []string, next string, told bool, err error) {
	if s.untold {
		return nil, "", false, s.err
	}
	for _, p := range s.proofs {
		id := strings.TrimSuffix(p, mark)
		switch {
		case len(id) < len(from) || len(id) == len(from) && id < from: // ids of these tests are in this order
		case len(all) == int(min(n, 2)):
			return all, id, true, s.err
		default:
			all = append(all, p)
		}
	}
	return all, "", true, s.err
}

func held(id string, settled txcpb.Fate) *txcpb.InDoubt {
	return &txcpb.InDoubt{Id: id, Mark: 0xaa, Settled: settled, Why: &txcpb.Reason{Text: "ann"}}
}

func committed(branches ...string) *txcpb.Fact {
	f := &txcpb.Fact{Standing: "committed"}
	for _, b := range branches {
		name, state, _ := strings.Cut(b, " ")
		f.Branches = append(f.Branches, &txcpb.BranchFact{Participant: name, State: state})
	}
	return f
}

func TestFindings(t *testing.T) {
	id := "c1.1.5"
	standing := func(s string) *txcpb.Fact { return &txcpb.Fact{Standing: s} }
	proof, none := &shelf{proofs: []string{id + mark}}, &shelf{}
	doubt := &shelf{doubts: []*txcpb.InDoubt{held(id, 0)}}
	by := func(f txcpb.Fate) *shelf { return &shelf{doubts: []*txcpb.InDoubt{held(id, f)}} }
	rows := []struct {
		name       string
		fact       *txcpb.Fact
		unfinished bool
		a, b       *shelf
		want       string // name participant, …
	}{
		{"a proof and its record", committed("a acknowledged"), false, proof, none, ""},
		{"a proof without a record (C1)", standing("aborted"), false, proof, none, "record-lost a"},
		{"two of them", standing("no-record"), false, proof, proof, "record-lost a, record-lost b"},
		{"a proof of an opening that the log does not have (C5)", standing("foreign"), false, none, proof, "record-lost b"},
		{"a proof of an id that was never issued", standing("never-issued"), false, proof, none, "record-lost a"},
		{"a proof while nothing is decided", standing("running"), false, proof, none, "record-lost a"},
		{"a proof below the floor proves nothing", standing("older"), false, proof, none, ""},
		{"a proof of what was disowned", standing("disowned"), false, proof, none, ""},
		{"a proof of another coordinator", standing("not-mine"), false, proof, none, ""},
		{"a standing of a later release", standing("enlightened"), false, proof, doubt, ""},
		{"acknowledged, and the proof forgotten (P5)", committed("a acknowledged", "b missing"), true, none, doubt, ""},
		{"not acknowledged, and the proof is there", committed("a missing"), true, proof, none, ""},
		{"not acknowledged, and still promised", committed("a missing"), true, doubt, none, ""},
		{"not acknowledged, and nothing left of it (P7)", committed("a missing", "b acknowledged"), true, none, none, "no-trace a"},
		{"the same, and an operator ended the waiting (H3)", committed("a settled"), true, none, none, "no-trace a"},
		{"a recorded heuristic is the list's to tell", committed("a odd"), true, none, none, ""},
		{"nothing is claimed of one that does not tell its proofs", committed("a missing"), true, &shelf{untold: true}, none, ""},
		{"nothing is claimed of one that cannot be asked", committed("a missing"), true, &shelf{err: errors.New("away")}, none, ""},
		{"promised, acknowledged, and promised again (P12)", committed("a acknowledged"), false, doubt, none, "promised-again a"},
		{"promised, and on its way to an abort", standing("aborted"), false, doubt, none, ""},
		{"promised to an opening that the log does not have", standing("foreign"), false, doubt, none, "foreign-opening a"},
		{"promised, and disowned (C12)", standing("disowned"), false, doubt, proof, "undecidable a"},
		{"settled as committed, decided so", committed("a missing"), true, by(txcpb.Fate_COMMITTED_BEFORE), none, ""},
		{"settled as aborted, decided otherwise (H4)", committed("a missing"), true, by(txcpb.Fate_ABORTED_BEFORE), none, "mixed a"},
		{"settled as committed, decided otherwise (H4)", standing("aborted"), false, by(txcpb.Fate_COMMITTED_BEFORE), none, "mixed a"},
		{"settled, not decided yet", standing("running"), false, by(txcpb.Fate_COMMITTED_BEFORE), none, ""},
		{"settled, and nobody can tell", standing("older"), false, by(txcpb.Fate_ABORTED_BEFORE), none, "settled a"},
		{"both outcomes, and no record of it", standing("disowned"), false, by(txcpb.Fate_ABORTED_BEFORE), proof, "mixed a"},
		{"a hazard", committed("a odd"), true, by(txcpb.Fate_HAZARD), none, "hazard a"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := &books{facts: map[string]*txcpb.Fact{id + mark: row.fact}}
			if row.unfinished {
				b.unfinished = []string{id}
			}
			r, err := reconcile.Run(t.Context(), b, map[string]reconcile.Participant{"a": row.a, "b": row.b})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.Name+" "+f.Participant)
				if f.ID != id || f.Text == "" || f.Todo == "" {
					t.Errorf("%+v", f)
				}
			}
			if text := strings.Join(got, ", "); text != row.want {
				t.Errorf("found %q, want %q", text, row.want)
			}
			if away := row.a.err != nil; away != slices.Contains(r.Unreachable, "a") || row.a.untold != slices.Contains(r.Untold, "a") {
				t.Errorf("unreachable %v, untold %v", r.Unreachable, r.Untold)
			}
		})
	}
}

// What could be explained by time is asked again: only what is still so is a finding.
func TestWhatIsOnItsWayIsNoFinding(t *testing.T) {
	id := "c1.1.5"
	a := &shelf{}
	b := &books{facts: map[string]*txcpb.Fact{id + mark: committed("a missing")}, unfinished: []string{id}}
	run := func() string {
		b.asked = 0
		r, err := reconcile.Run(t.Context(), b, map[string]reconcile.Participant{"a": a})
		if err != nil {
			t.Fatal(err)
		}
		names := ""
		for _, f := range r.Findings {
			names += f.Name
		}
		return names
	}
	if got := run(); got != "no-trace" {
		t.Fatalf("found %q where nothing moves", got)
	}
	b.then = func(asked int) {
		if asked == 1 { // after a was read: it has promised, and the decision came
			a.doubts = []*txcpb.InDoubt{held(id, 0)}
		}
	}
	if got := run(); got != "" {
		t.Errorf("a promise that came meanwhile: found %q", got)
	}
	a.doubts = nil
	b.then = func(asked int) {
		if asked == 1 {
			a.proofs = []string{id + mark}
		}
	}
	if got := run(); got != "" {
		t.Errorf("a proof that came meanwhile: found %q", got)
	}
	a.proofs = nil
	b.then = func(asked int) {
		if asked == 2 { // it was applied, acknowledged and forgotten since
			b.facts[id+mark] = committed("a acknowledged")
		}
	}
	if got := run(); got != "" {
		t.Errorf("an acknowledgement that came meanwhile: found %q", got)
	}
	a.doubts = []*txcpb.InDoubt{held(id, 0)}
	b.then = func(int) { a.doubts = nil }
	if got := run(); got != "" {
		t.Errorf("a promise that was applied meanwhile: found %q", got)
	}
}

func TestPagesAreMergedInTheOrderOfIDs(t *testing.T) {
	a, b := &shelf{}, &shelf{}
	books := &books{facts: map[string]*txcpb.Fact{}}
	for n := 1; n <= 1200; n++ {
		id := fmt.Sprintf("c1.1.%d", n)
		a.proofs = append(a.proofs, id+mark)
		if n%2 == 0 {
			b.proofs = append(b.proofs, id+mark)
		}
		books.facts[id+mark] = committed()
	}
	books.facts["c1.1.700"+mark] = &txcpb.Fact{Standing: "aborted"}
	books.unfinished = []string{"c1.1.3", "c1.1.1201", "c1.1.1202"}
	r, err := reconcile.Run(t.Context(), books, map[string]reconcile.Participant{"a": a, "b": b})
	if err != nil || len(r.Findings) != 2 || r.Findings[0].ID != "c1.1.700" || r.Proofs != 1800 || r.Shown != 1202 || r.Unfinished != 3 {
		t.Errorf("%v, %+v", err, r)
	}
	for _, id := range a.proofs {
		books.facts[id] = &txcpb.Fact{Standing: "aborted"}
	}
	if r, err = reconcile.Run(t.Context(), books, map[string]reconcile.Participant{"a": a}); err != nil || len(r.Findings) != 1000 || r.More != 200 {
		t.Errorf("%v, %d findings and %d more", err, len(r.Findings), r.More)
	}
}

// Pages out of order, without an end, or not to be read are not believed; a coordinator that fails ends it all.
func TestStrangePeers(t *testing.T) {
	for name, s := range map[string]reconcile.Participant{
		"out of order": &shelf{proofs: []string{"c1.1.1" + mark, "c1.1.9" + mark, "c1.1.2" + mark}},
		"no markers":   &shelf{proofs: []string{"nonsense"}},
		"no ids":       &shelf{doubts: []*txcpb.InDoubt{{Id: "nonsense"}}},
		"no end":       &endless{},
	} {
		r, err := reconcile.Run(t.Context(), &books{}, map[string]reconcile.Participant{"a": s})
		if err != nil || len(r.Unreachable) != 1 {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
	if _, err := reconcile.Run(t.Context(), &books{err: errors.New("down")}, nil); err == nil {
		t.Error("the coordinator failed, and that was no error")
	}
}

type endless struct{ shelf }

func (*endless) Proofs(context.Context, string, uint32) ([]string, string, bool, error) {
	return nil, "c1.1.1", true, nil
}
