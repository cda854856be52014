package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// state is a participant's, as the coordinator tells it.
func (b *site) state(name string) string {
	stdout, _, _ := b.txc("", "participants", "-o", "json")
	for _, x := range decode[participantsObject](b.t, stdout).Participants {
		if x.Name == name {
			return x.State
		}
	}
	return ""
}

// H2, H4: a branch that a person commits at its participant, of a transaction that then aborts, is listed as mixed until
// somebody acknowledges it.
func TestBranchSettledByHandAgainstTheDecision(t *testing.T) {
	b := newSite(t, "bank-a")
	b.must(0, `{"branches":[{"participant":"bank-a","kv":[{"put":{"key":"alice","value":"100"}}]}]}`, "run", "-f", "-")
	b.join("bank-b", "--stall")
	ended := make(chan int, 1)
	go func() {
		_, _, exit := command(t, move("1"), "run", "-f", "-", "--timeout", "3s", "-c", b.coordinator.ready.Listening)
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
	settle := []string{"resolve", id, "--participant", "bank-a", "--at", b.members["bank-a"].ready.Listening, "--outcome", "commit", "--reason", "ann knows", "-o", "json"}
	settled := b.must(0, "", settle...)
	valid(t, "settled", settled)
	if code := <-ended; code != 3 && code != 7 {
		t.Errorf("the transaction ended with exit code %d", code)
	}
	b.until("it is listed as mixed", func() bool {
		l := decode[listObject](t, b.must(0, "", "list", "--state", "in-doubt", "-o", "json"))
		return len(l.Transactions) == 1 && l.Transactions[0].ID == id && l.Transactions[0].Heuristic == "mixed" && l.Transactions[0].Outcome == "aborted"
	})
	if text := b.must(0, "", "show", id); !strings.Contains(text, "ann knows") {
		t.Errorf("who and why are not shown: %s", text)
	}
	valid(t, "detail", b.must(0, "", "acknowledge", id, "--reason", "taken back by hand", "-o", "json"))
	b.until("bank-a has done with it", func() bool {
		return len(decode[listObject](t, b.must(0, "", "list", "--state", "in-doubt", "-o", "json")).InDoubt) == 0
	})
	b.must(2, "", "acknowledge", id, "--reason", "again")
}

// C13, C12: a participant that comes back with an empty store gets no work until a person has accepted it.
func TestParticipantThatLostItsStoreIsAccepted(t *testing.T) {
	b := newSite(t, "bank-a", "bank-b")
	b.must(0, deposit, "run", "-f", "-")
	b.members["bank-b"].stop(t)
	if err := os.RemoveAll(filepath.Join(b.dir, "bank-b")); err != nil {
		t.Fatal(err)
	}
	again := func() *running {
		return start(t, append([]string{"participant", "--name", "bank-b", "--store", "kv:" + filepath.Join(b.dir, "bank-b"), "--coordinator", b.coordinator.ready.Listening}, serverFlags...)...)
	}
	again()
	b.until("bank-b is quarantined", func() bool { return b.state("bank-b") == "quarantined" })
	stdout, _, exit := b.txc(move("1"), "run", "-f", "-", "--timeout", "300ms", "-o", "json")
	if exit != 5 || !strings.Contains(stdout, "quarantined") {
		t.Errorf("work for it: exit code %d, %s", exit, stdout)
	}
	valid(t, "status", b.must(0, "", "accept", "participant", "bank-b", "--reason", "its disk burnt; balances were restored", "-o", "json"))
	b.until("bank-b is heard", func() bool { return b.state("bank-b") == "heard" })
	b.must(0, move("1"), "run", "-f", "-")
}

// C12: one that will never come back is declared gone.
func TestParticipantThatIsGone(t *testing.T) {
	b := newSite(t, "bank-a", "bank-b")
	b.members["bank-b"].stop(t)
	b.must(2, "", "accept", "gone", "bank-b")
	b.must(0, "", "accept", "gone", "bank-b", "--reason", "the machine was scrapped")
	if got := b.state("bank-b"); got != "gone" {
		t.Errorf("state %q", got)
	}
	if _, stderr, exit := b.txc("", "accept", "gone", "bank-z", "--reason", "who?"); exit == 0 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("one that never was: %d %s", exit, stderr)
	}
}
