package crash_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// anyEnd says that either end is right, as long as it is the same everywhere: the client tries again under its key.
const anyEnd = campaign.Heard(255)

// use is a course of things in which a point is passed, and how its transaction must end, wherever the fault strikes.
type use struct {
	scenario *scenario
	want     campaign.Heard
	pass     int // which pass the fault acts on; 0: the first
}

// inCrowd is the pass of a crowd's that is struck: amid it.
const inCrowd = 4

func in(s *scenario) use        { return use{scenario: s, want: anyEnd} }
func committed(s *scenario) use { return use{scenario: s, want: campaign.Committed} }
func aborted(s *scenario) use   { return use{scenario: s, want: campaign.Aborted} }
func (u use) atPass(n int) use  { u.pass = n; return u }
func uses(all ...use) []use     { return all }

// victimOf is the process whose gate has the point.
func victimOf(point string) string {
	if strings.HasPrefix(point, "coordinator/") {
		return "coordinator"
	}
	return victim
}

// points names for every point of the gates what passes it.
var points = map[string][]use{
	"coordinator/append-commit":       uses(in(commit), in(decided), in(crowd).atPass(inCrowd)),
	"coordinator/append-heuristic":    uses(committed(resolvedAgainst), committed(settledAgainst)),
	"coordinator/append-resolution":   uses(committed(resolved)),
	"coordinator/append-registration": uses(in(moved), in(removed)),
	"coordinator/append-stopped":      uses(in(oldCopy)),
	"coordinator/append-presumed":     uses(in(presumed)),
	"coordinator/append-acknowledged": uses(committed(oneWaits)),
	"coordinator/append-end":          uses(committed(commit)),
	"coordinator/append-abort":        uses(aborted(abort)),
	"coordinator/send-hello":          uses(in(commit)),
	"coordinator/send-prepare":        uses(in(commit)),
	"coordinator/send-commit":         uses(committed(commit), in(crowd).atPass(inCrowd)), // C1: a durable decision that nobody has heard is carried out
	"coordinator/send-abort":          uses(aborted(abort)),                               // P2: whoever misses an abort asks for it
	"coordinator/send-answer":         uses(in(asked)),
	"coordinator/send-list":           uses(in(commit), in(orphan).atPass(3)),
	"coordinator/receive-welcome":     uses(in(commit)),
	"coordinator/receive-vote":        uses(in(commit), in(crowd).atPass(inCrowd)), // C9: promises without a decision are found and aborted
	"coordinator/receive-fate":        uses(committed(commit), in(crowd).atPass(inCrowd)),
	"coordinator/receive-fenced":      uses(in(oldCopy)),
	"coordinator/receive-inquiry":     uses(in(asked)),
	"coordinator/receive-listed":      uses(in(commit), in(orphan).atPass(3)),
	"coordinator/durable":             uses(committed(commit), committed(decided), in(crowd).atPass(inCrowd), committed(resolved), in(removed)),
	"coordinator/reply":               uses(committed(commit), in(crowd).atPass(inCrowd)),
	"coordinator/answer":              uses(in(commit).atPass(2)), // the first one is its own: it asks itself at the start

	"participant/prepare":          uses(in(commit)),
	"participant/prepare-written":  uses(in(commit), in(crowd).atPass(inCrowd)), // P1: a promise that nobody heard of is shown after the restart
	"participant/commit":           uses(committed(commit), in(crowd).atPass(inCrowd)),
	"participant/commit-written":   uses(committed(commit), in(crowd).atPass(inCrowd)), // P7: applied and unanswered, it is not applied twice
	"participant/abort":            uses(aborted(abort)),
	"participant/abort-written":    uses(aborted(abort)),
	"participant/cancel":           uses(in(cancel)),
	"participant/cancelled":        uses(in(cancel)),
	"participant/settle":           uses(committed(settled)),
	"participant/settle-written":   uses(committed(settled)),
	"participant/drop":             uses(committed(settled)),
	"participant/drop-written":     uses(committed(settled)),
	"participant/forget":           uses(in(passing)),
	"participant/forget-written":   uses(in(passing)),
	"participant/remember":         uses(in(reopened)),
	"participant/remember-written": uses(in(reopened)),
	"participant/list":             uses(in(commit)),
	"participant/list-read":        uses(in(commit)),
	"participant/receive-hello":    uses(in(commit), in(reopened).atPass(2)),
	"participant/receive-prepare":  uses(in(commit)),
	"participant/receive-commit":   uses(committed(commit), in(crowd).atPass(inCrowd)),
	"participant/receive-abort":    uses(aborted(abort)),
	"participant/receive-answer":   uses(in(asks)),
	"participant/receive-list":     uses(in(commit)),
	"participant/send-welcome":     uses(in(commit), in(reopened).atPass(2)),
	"participant/send-vote":        uses(in(commit), in(crowd).atPass(inCrowd)),
	"participant/send-fate":        uses(committed(commit), in(crowd).atPass(inCrowd)),
	"participant/send-fenced":      uses(in(oldCopySeen)),
	"participant/send-inquiry":     uses(in(asks)),
	"participant/send-listed":      uses(in(commit)),
	"participant/register":         uses(in(commit)),
	"participant/registered":       uses(in(commit)),
	"participant/inquire":          uses(in(alone)),
	"participant/inquired":         uses(in(alone)),
}

// locking are the points that only a branch passes which waits for a lock.
var locking = map[string]bool{"participant/cancel": true, "participant/cancelled": true}

// joinedOnly are the points that only calls of a service of one's own pass, and participant-demo is none. They are passed in
// process, by a test of the gate.
var joinedOnly = map[string]string{
	participant.PointCall:     "participant/gate_test.go TestEveryPointIsPassed",
	participant.PointCallOver: "participant/gate_test.go TestEveryPointIsPassed",
}

// Every point of the gates is struck in some scenario, and none that there is not. A new action brings its own points.
func TestEveryPointHasAScenario(t *testing.T) {
	all := slices.Concat(coordinator.Points(), participant.Points())
	for _, p := range all {
		if len(points[p]) == 0 && joinedOnly[p] == "" {
			t.Errorf("%s is a new point: name in the table points, in tests/crash/points_test.go, the scenario that passes it; if none of scenarios_test.go does, write one", p)
		}
	}
	for p := range points {
		if !slices.Contains(all, p) || joinedOnly[p] != "" {
			t.Errorf("%s has a scenario, and is no point that the programs can pass: take it out of the table", p)
		}
	}
}

// What cannot be struck in a process is struck in process.
func TestPointsOfJoinedCallsArePassedInProcess(t *testing.T) {
	root, err := procs.Root()
	if err != nil {
		t.Fatal(err)
	}
	for point, by := range joinedOnly {
		if !slices.Contains(participant.Points(), point) {
			t.Errorf("%s is no point any more: take it out of joinedOnly", point)
		}
		file, name, _ := strings.Cut(by, " ")
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		joins := false
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name {
				ast.Inspect(f, func(n ast.Node) bool {
					s, ok := n.(*ast.SelectorExpr)
					joins = joins || ok && s.Sel.Name == "Join"
					return true
				})
			}
		}
		if !joins {
			t.Errorf("%s: %s does not join a branch any more: %s is passed nowhere", file, name, point)
		}
	}
}
