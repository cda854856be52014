package kv_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

var victimDir = flag.String("victim", "", "run as the process that TestKilledUnderLoad kills, on this directory")

// shortJournal is one of some twenty branches.
const shortJournal = 2_000

// victim promises and commits as fast as it can, and tells of each only what it has been told.
func victim(dir string) {
	s, err := kv.Open(context.Background(), dir, options().ShortJournal(shortJournal))
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	first := s.Stamp() * 1000 // above all ids of earlier rounds
	var mu sync.Mutex
	tell := func(what string, n uint64) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, n)
	}
	var wg sync.WaitGroup
	for client := range uint64(16) {
		wg.Go(func() {
			for n := first + client; ; n += 16 {
				w, err := kv.Ops(kv.Put(fmt.Sprint(n), "v"), kv.Get("nothing")).MarshalWork()
				if err != nil {
					panic(err)
				}
				p, err := s.Prepare(context.Background(), branch(n), w, false)
				if err != nil || p.Vote != txc.Yes {
					continue
				}
				tell("promised", n)
				if n%7 == 0 {
					continue // stays in doubt
				}
				f, err := s.Commit(context.Background(), branch(n), p.Evidence)
				if err == nil && f == txc.CommittedNow {
					tell("committed", n)
				}
			}
		})
	}
	wg.Wait()
}

// P1, P11: a store whose process is killed at any time has, when it is opened again, every promise and every commit
// that it has told of; five times over the same files.
func TestKilledUnderLoad(t *testing.T) {
	dir := t.TempDir()
	told := map[uint64]string{}
	for round := range 5 {
		tellUntilKilled(t, dir, 150+round*40, told)
		s, err := kv.Open(t.Context(), dir, options())
		if err != nil {
			t.Fatal(err)
		}
		examine(t, s, told)
		shut(t, s)
	}
	if len(told) < 500 {
		t.Errorf("only %d branches: it proves little", len(told))
	}
}

// tellUntilKilled runs a victim, and kills it after so many lines; what it still had to say counts, too.
func tellUntilKilled(t *testing.T, dir string, lines int, told map[uint64]string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-victim", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(out)
	for n := 0; scan.Scan(); n++ {
		what, id, _ := strings.Cut(scan.Text(), " ")
		branch, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			t.Fatalf("victim says %q", scan.Text())
		}
		told[branch] = what
		if n == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the victim ended by itself")
	}
}

func examine(t *testing.T, s *kv.Store, told map[uint64]string) {
	t.Helper()
	doubt := map[txc.ID]participant.InDoubt{}
	for d, err := range s.InDoubt(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		doubt[d.ID] = d
	}
	for n, what := range told {
		d, waits := doubt[branch(n).ID]
		_, there, err := s.Get(fmt.Sprint(n))
		switch {
		case err != nil:
			t.Fatal(err)
		case what == "committed" && (waits || !there):
			t.Errorf("%d was committed; in doubt %v, there %v", n, waits, there)
		case what == "promised" && waits == there:
			t.Errorf("%d was promised; in doubt %v, there %v", n, waits, there)
		case what == "promised" && waits:
			if f, err := s.Commit(t.Context(), branch(n), d.Evidence); f != txc.CommittedNow {
				t.Errorf("%d: %v, %v", n, f, err)
			}
			told[n] = "committed"
		case what == "promised":
			told[n] = "committed" // it was just not told of
		}
		if f := commit(t, s, branch(n)); f != txc.CommittedBefore {
			t.Errorf("%d: a repeated commit: %v", n, f)
		}
		delete(doubt, branch(n).ID)
	}
	for id, d := range doubt { // promised, and killed before it could tell
		if f, err := s.Abort(t.Context(), participant.Branch{ID: id, Mark: d.Mark, Cluster: cluster, Participant: bank}, d.Evidence); f != txc.AbortedNow {
			t.Errorf("%s: %v, %v", id, f, err)
		}
	}
	if is, err := s.Check(t.Context()); err != nil || is.Locks != 0 || is.InDoubt != 0 {
		t.Errorf("at rest: %+v, %v", is, err)
	}
}
