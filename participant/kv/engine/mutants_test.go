package engine_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var allMutants = flag.Bool("mutants", false, "build and test every mutant, not only whether it still applies")

// mutant is one way to break the shipped source, and the tests that have to notice.
type mutant struct {
	says, file string
	old, new   string
	tests      string
}

var mutants = []mutant{
	{"read locks dropped at restart", "open.go", "for _, k := range b.intent.Reads {", "for _, k := range b.intent.Reads[:0] {", "TestLocksSurviveRestart"},
	{"wait-die against holders only", "locks.go", "if !o.Age.Older(w.Age) {", "if false {", "TestLockTable"},
	{"a promise acknowledged before it is durable", "write.go", "c.move(b, issued)\n",
		"c.move(b, issued)\n\tc.answer(b.asked, participant.Reply{Promise: participant.Promise{Vote: txc.Yes}})\n", "TestVotes"},
	{"a commit acknowledged before it is durable", "decide.go", "c.add(task{kind: taskApply, b: b, n: a.N},",
		"c.fate(a.N, txc.CommittedNow)\n\t\tc.add(task{kind: taskApply, b: b},", "TestCommitIsHeardOnlyWhenDurable"},
	{"locks dropped when the decision comes", "decide.go", "c.move(b, ending)\n\t\tc.hurry = ",
		"c.move(b, ending)\n\t\tc.granted = c.locks.Release(&b.owner, c.granted)\n\t\tc.hurry = ", "TestHistories"},
	{"replay not synced", "open.go", "for _, key := range keys {", "for _, key := range keys[:0] {", "TestWhatWasReplayedIsSynced"},
	{"removals not synced at replay", "open.go", "c.batch.Pairs = append(c.batch.Pairs, Pair{Key: key, Value: value, Gone: !found})",
		"if found {\n\t\t\tc.batch.Pairs = append(c.batch.Pairs, Pair{Key: key, Value: value})\n\t\t}", "TestWhatWasReplayedIsSynced"},
	{"a reading vote releases always", "prepare.go", "if b.mayRelease && !b.run.wrote() {", "if !b.run.wrote() {", "TestVotes"},
	{"no proof with the commit", "write.go", "c.leave(b, itemCommitted)", "c.leave(b, itemGone)", "TestFatesNeedProof"},
	{"an end that is not written", "write.go", "if b.home != 0 || kind == itemCommitted {", "if kind == itemCommitted {", "TestEndsWhereverThePromiseStands"},
	{"a row of the journal goes before its proofs", "proofs.go", "c.journal.holds(x.home)", "c.journal.lets(0)", "TestJournalGoesFromTheFront"},
	{"a promise that moved ends in the journal alone", "move.go", "c.branches[m.name].home = 0\n", "", "TestEndsWhereverThePromiseStands"},
	{"a promise forgotten when its row of the journal goes", "move.go", "c.put(spaceIntent, it.name, it.intent)", "", "TestEndsWhereverThePromiseStands"},
	{"a proof forgotten when its row of the journal goes", "move.go", "c.put(spaceProof, it.name, appendProof(nil, txc.CommittedBefore))", "", "TestJournalIsBounded"},
	{"a promise moves out while it ends", "move.go", "if b.leaves != c.batch.Ticket+1 {", "if true {", "TestEndsWhereverThePromiseStands"},
	{"a proof that was forgotten while it moved", "move.go", "c.proofs.gone = append(c.proofs.gone, m.name)", "", "TestForgottenWhileItMoves"},
	{"the journal's row is not written again", "write.go", "appendLast(c.last[:0], c.batch.Pairs)", "appendLast(c.last[:0], c.batch.Pairs[:max(0, len(c.batch.Pairs)-1)])", "TestWhatWasReplayedIsSynced"},
	{"a journal without its last row", "restore.go", "uint64(len(j.rows)) != rows", "uint64(len(j.rows)) > rows", "TestStrangeJournalsAreRefused"},
	{"a deadline forgotten before the write", "write.go", "if c.late(b.deadline) {", "if false {", "TestDeadlines"},
	{"an Abort forgotten during the write", "complete.go", "if len(b.undo) > 0 {", "if false {", "TestAbortWhilePreparing"},
	{"writes restored with shared locks", "open.go", "lock(w.Key, Exclusive)", "lock(w.Key, Shared)", "TestLocksSurviveRestart"},
	{"age lost at restart", "open.go", "Age{At: n.Age, Name: name}", "Age{Name: name}", "TestAgeSurvivesRestart"},
	{"a pause without end", "timers.go", "sooner(c.now.Add(Grace), b.lockBy)", "b.lockBy", "TestLockWaits"},
	{"witness not kept with commits", "decide.go", "c.mem.Seen, _ = c.see(a.Request.Branch.Seen)", "", "TestWitnessGoesWithCommits"},
	{"not found taken for success", "decide.go", "return txc.NeverPrepared", "return txc.CommittedBefore", "TestFatesNeedProof"},
	{"a lost promise taken for none", "decide.go", "if len(evidence) > 0 {", "if false {", "TestFatesNeedProof"},
	{"the operator overrides the decision", "decide.go", "if b == nil || b.state != promised {", "if b == nil || b.state < promised {", "TestSettlement"},
	{"locks let go of between calls", "joined.go", "c.move(b, opened)\n", "c.move(b, opened)\n\tc.granted = c.locks.Release(&b.owner, c.granted)\n", "TestCallsHoldTheirLocks"},
	{"what a call has read is written with a lock for reading", "run.go", "r.slots[s].mode, r.slots[s].locked = Exclusive, false", "", "TestCallsThatWantToWrite"},
	{"a call does not see what its branch has written", "run.go", "s := &r.slots[i]; !s.written {", "s := &r.slots[i]; true {", "TestCallsWorkOnABranch"},
	{"values that calls have read pile up", "run.go", "s.loaded, s.value = false, nil\n", "", "TestWhatCallsReadIsNotKept"},
	{"a branch of another participant is opened", "joined.go", "if err := c.foreign(e.Branch); err != nil {", "if err := c.foreign(e.Branch); false {", "TestWhatCallsMayNotDo"},
	{"calls without a bound", "joined.go", "case b.ops > MaxOps || b.kept+n > txc.MaxWork:", "case false:", "TestWhatCallsMayNotDo"},
	{"a closing store keeps what calls have opened", "prepare.go", "b.state == working || b.state == opened", "b.state == working", "TestCallsEndInTime"},
	{"an Abort leaves what calls have opened", "decide.go", "case opened, working, staged:\n\t\tb.undo", "case opened:\n\t\tc.fate(a.N, txc.AbortedNow)\n\tcase working, staged:\n\t\tb.undo", "TestCallsHoldTheirLocks"},
	{"a stamp shown before it is durable", "list.go", "return c.stamp }", "return c.mem.Stamp }", "TestStamp"},
}

// Every mutant applies to the source as it is, and is caught. Without -mutants two of them are built.
func TestMutantsAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	for i, m := range mutants {
		t.Run(m.says, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), m.old); n != 1 {
				t.Fatalf("applies %d times to %s", n, m.file)
			}
			if !*allMutants && i >= 2 {
				return
			}
			out, err := m.run(t, strings.Replace(string(source), m.old, m.new, 1))
			if err == nil {
				t.Errorf("survived:\n%s", out)
			}
			if !strings.Contains(out, "--- FAIL: "+m.tests) {
				t.Errorf("not caught by %s:\n%s", m.tests, out)
			}
		})
	}
}

// run tests the package with one file replaced.
func (m mutant) run(t *testing.T, source string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	broken, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
	here, err := filepath.Abs(m.file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {here: broken}})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string][]byte{broken: []byte(source), overlay: list} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-timeout", "60s", "-run", m.tests, ".")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
