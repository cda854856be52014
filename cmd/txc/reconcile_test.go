package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// reconciled runs reconcile, which must end with this exit code, and gives what it found as "name participant id".
func (b *site) reconciled(exit int) (found []string, o reconcileObject) {
	b.t.Helper()
	stdout := b.must(exit, "", "reconcile", "-o", "json", "--patience", "1s")
	valid(b.t, "reconcile", stdout)
	o = decode[reconcileObject](b.t, stdout)
	docs, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range o.Findings {
		found = append(found, strings.TrimSpace(f.Name+" "+f.Participant+" "+f.ID))
		if !strings.Contains(string(docs), "`"+f.Name+"`") {
			b.t.Errorf("docs/json.md says nothing of %s", f.Name)
		}
	}
	if o.Clean != (exit == 0) {
		b.t.Errorf("exit code %d: %s", exit, stdout)
	}
	return found, o
}

func TestReconcileACleanRun(t *testing.T) {
	b := newSite(t, "bank-a", "bank-b")
	b.must(0, deposit, "run", "-f", "-")
	for range 20 {
		b.must(0, move("1"), "run", "-f", "-")
	}
	b.must(3, move("500"), "run", "-f", "-")
	found, o := b.reconciled(0)
	if len(found) > 0 || o.Examined.Participants != 2 || o.Examined.Proofs == 0 {
		t.Errorf("found %q, looked at %+v", found, o.Examined)
	}
	if text := b.must(0, "", "reconcile"); !strings.Contains(text, "nothing contradicts the log") {
		t.Error(text)
	}
	b.members["bank-b"].stop(t)
	if found, _ = b.reconciled(7); !slices.Equal(found, []string{"unreachable bank-b"}) {
		t.Errorf("without bank-b: %q", found)
	}
	b.must(7, "", "reconcile", "--patience", "200ms")
	b.coordinator.stop(t)
	b.must(5, "", "reconcile", "--patience", "200ms")
}

// H2, H4: what an operator settled against the decision is found, and is no finding any more once it is acknowledged.
func TestReconcileFindsAnOperatorsHeuristic(t *testing.T) {
	b := newSite(t, "bank-a")
	b.must(0, `{"branches":[{"participant":"bank-a","kv":[{"put":{"key":"alice","value":"100"}}]}]}`, "run", "-f", "-")
	b.join("bank-b", "--stall")
	ended := make(chan int, 1)
	go func() {
		_, _, exit := command(t, move("1"), "run", "-f", "-", "--timeout", "2s", "-c", b.coordinator.ready.Listening)
		ended <- exit
	}()
	var id string
	b.until("bank-a is in doubt", func() bool {
		l := decode[listObject](t, b.must(0, "", "list", "--state", "in-doubt", "-o", "json"))
		if len(l.InDoubt) == 1 && l.InDoubt[0].Participant == "bank-a" {
			id = l.InDoubt[0].ID
		}
		return id != ""
	})
	b.reconciled(0) // in doubt, and the decision is to come: nothing is wrong
	b.must(0, "", "resolve", id, "--participant", "bank-a", "--at", b.members["bank-a"].ready.Listening, "--outcome", "commit", "--reason", "ann knows")
	<-ended
	b.until("it is listed as mixed", func() bool {
		l := decode[listObject](t, b.must(0, "", "list", "--state", "mixed", "-o", "json"))
		return len(l.Transactions) == 1 && l.Transactions[0].ID == id
	})
	if found, _ := b.reconciled(7); len(found) != 1 || found[0] != "mixed bank-a "+id && found[0] != "mixed "+id {
		t.Errorf("found %q", found)
	}
	b.must(0, "", "acknowledge", id, "--reason", "taken back by hand")
	b.until("nothing is left to find", func() bool {
		_, _, exit := b.txc("", "reconcile")
		return exit == 0
	})
	if _, o := b.reconciled(0); o.Examined.Acknowledged != 1 {
		t.Errorf("%+v", o.Examined)
	}
}

// C5, C6: a log that was restored from an old copy lacks what its participants can prove.
func TestReconcileFindsAnOldCopyOfTheLog(t *testing.T) {
	b := newSite(t, "bank-a", "bank-b")
	b.must(0, deposit, "run", "-f", "-")
	b.coordinator.stop(t)
	old := filepath.Join(b.dir, "copy")
	if err := os.CopyFS(old, os.DirFS(b.log())); err != nil {
		t.Fatal(err)
	}
	listen := []string{"--listen", b.coordinator.ready.Listening} // where its participants look for it
	b.serve(listen...)
	last := decode[txObject](t, b.must(0, move("1"), "run", "-f", "-", "-o", "json")).ID
	b.coordinator.stop(t)
	if err := os.RemoveAll(b.log()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(old, b.log()); err != nil {
		t.Fatal(err)
	}
	serve := append(append([]string{"serve", "--data", b.log()}, serverFlags...), append(listen, "--log-level", "error")...)
	if _, stderr, exit := command(t, "", serve...); exit != 9 { // it sees another owner of its number, and stops itself
		t.Fatalf("the old copy ended with %d: %s", exit, stderr)
	}
	b.serve(append(listen, "--log-level", "error")...)
	found, _ := b.reconciled(7)
	for _, want := range []string{"refusing", "record-lost bank-a " + last, "record-lost bank-b " + last} {
		if !slices.Contains(found, want) {
			t.Errorf("no %q among %q", want, found)
		}
	}
}

// C13, P12: an emptied store is another one.
func TestReconcileFindsAnEmptiedStore(t *testing.T) {
	b := newSite(t, "bank-a", "bank-b")
	b.must(0, deposit, "run", "-f", "-")
	b.members["bank-b"].stop(t)
	if err := os.RemoveAll(filepath.Join(b.dir, "bank-b")); err != nil {
		t.Fatal(err)
	}
	start(t, append([]string{"participant", "--name", "bank-b", "--store", "kv:" + filepath.Join(b.dir, "bank-b"), "--coordinator", b.coordinator.ready.Listening}, serverFlags...)...)
	b.until("bank-b is quarantined", func() bool { return b.state("bank-b") == "quarantined" })
	b.until("its emptied store is found", func() bool {
		stdout, _, exit := b.txc("", "reconcile", "-o", "json")
		o := decode[reconcileObject](t, stdout)
		names := []string{}
		for _, f := range o.Findings {
			names = append(names, f.Name+" "+f.Participant)
		}
		return exit == 7 && slices.Contains(names, "quarantined bank-b") && slices.Contains(names, "store-replaced bank-b")
	})
	b.reconciled(7)
}
