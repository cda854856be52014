package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txc-dev/txc/cmd/internal/txfile"
)

const deposit = `{"branches":[{"participant":"bank-a","kv":[{"put":{"key":"alice","value":"100"}}]},{"participant":"bank-b","kv":[{"put":{"key":"bob","value":"0"}}]}]}`

func move(amount string) string {
	return "branches:\n- {participant: bank-a, kv: [{add: {key: alice, by: -" + amount + ", min: 0}}]}\n- {participant: bank-b, kv: [{add: {key: bob, by: " + amount + "}}, {get: {key: bob}}]}\n"
}

// The life of a log, from commands alone: what is told, listed, kept over a restart, and found in the files.
func TestTransactionsFromTheCommandLine(t *testing.T) {
	b := newSite(t, "bank-a", "bank-b")
	b.must(0, deposit, "run", "-f", "-")
	o := b.must(0, move("30"), "run", "-f", "-", "--key", "k1", "--label", "kind=transfer", "-o", "json")
	valid(t, "transaction", o)
	first := decode[txObject](t, o)
	if r := first.Results["bank-b"]; first.Outcome != "committed" || !first.Applied || len(r) != 1 || *r[0].Value != "30" || r[0].Op != 1 {
		t.Errorf("%s", o)
	}
	if again := decode[txObject](t, b.must(0, move("30"), "run", "-f", "-", "--key", "k1", "-o", "json")); again.ID != first.ID || !again.Replayed {
		t.Errorf("the same key again: %+v", again)
	}
	if _, stderr, exit := b.txc(move("31"), "run", "-f", "-", "--key", "k1"); exit != 2 || !strings.Contains(stderr, "k1") {
		t.Errorf("another transaction under the key: %d %s", exit, stderr)
	}
	aborted := b.must(3, move("500"), "run", "-f", "-", "-o", "json")
	valid(t, "transaction", aborted)
	if r := decode[txObject](t, aborted).Reason; r == nil || r.Code != "refused" || r.Participant != "bank-a" {
		t.Errorf("%s", aborted)
	}
	id := strings.TrimSpace(b.must(0, "", "begin"))
	b.must(0, "", "enlist", id, "bank-a", "add: {key: alice, by: -5, min: 0}")
	b.must(0, "[{add: {key: bob, by: 5}}]", "enlist", id, "bank-b", "-")
	b.must(2, "", "enlist", id, "bank-a", "add: {key: alice, by: -6}")
	b.must(0, "", "commit", id)
	b.must(0, "", "commit", id)
	b.must(1, "", "abort", id)
	other := strings.TrimSpace(b.must(0, "", "begin"))
	b.must(0, "", "enlist", other, "bank-a", "delete: {key: alice}")
	b.must(0, "", "abort", other, "--reason", "changed my mind")
	b.must(3, "", "commit", other)
	valid(t, "status", b.must(0, "", "status", "-o", "json"))
	valid(t, "participants", b.must(0, "", "participants", "-o", "json"))
	valid(t, "list", b.must(0, "", "list", "--state", "in-doubt", "-o", "json"))
	valid(t, "detail", b.must(0, "", "show", "--key", "k1", "-o", "json"))
	valid(t, "error", b.must(6, "", "show", "c1.1.999999", "-o", "json"))

	if code := b.coordinator.stop(t); code != 0 {
		t.Fatalf("serve ended with %d: %s", code, b.coordinator.stderr)
	}
	verified := b.must(0, "", "log", "verify", "--data", b.log(), "-o", "json")
	valid(t, "verified", verified)
	if v := decode[verifiedObject](t, verified); v.Transactions != 3 || v.Keys != 1 || !v.Clean {
		t.Errorf("%s", verified)
	}
	b.must(0, "", "log", "verify", "--data", b.log())
	valid(t, "record", b.must(0, "", "log", "dump", "--data", b.log(), "-o", "json"))
	if text := b.must(0, "", "log", "dump", "--data", b.log()); !strings.Contains(text, first.ID) {
		t.Errorf("no %s in %s", first.ID, text)
	}
	if _, stderr, exit := b.txc("", "accept", "loss", "--data", b.log(), "--reason", "none"); exit != 2 {
		t.Errorf("accept the loss of a log in order: %d %s", exit, stderr)
	}
	b.serve()
	listed := b.must(0, "", "list", "--label", "kind=transfer", "-o", "json")
	valid(t, "list", listed)
	if l := decode[listObject](t, listed); len(l.Transactions) != 1 || l.Transactions[0].ID != first.ID {
		t.Errorf("after a restart: %s", listed)
	}
	for name, has := range map[string]string{"bank-a": `"value":"65"`, "bank-b": `"value":"35"`} {
		if code := b.members[name].stop(t); code != 0 {
			t.Fatalf("%s ended with %d: %s", name, code, b.members[name].stderr)
		}
		dump, stderr, exit := command(t, "", "participant", "--store", "kv:"+filepath.Join(b.dir, name), "--dump")
		if valid(t, "dump", dump); exit != 0 || !strings.Contains(dump, has) {
			t.Errorf("%s: %d %s %s", name, exit, dump, stderr)
		}
	}
}

func TestExamplesAreTransactions(t *testing.T) {
	paths, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no examples", err)
	}
	for _, path := range append(paths, "") {
		text := []byte(exampleFile)
		if path != "" {
			if text, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := txfile.Read(path, strings.NewReader(string(text))); err != nil {
			t.Error(err)
		}
	}
}

func TestServersThatCannotStartSayWhy(t *testing.T) {
	b := newSite(t)
	member := func(more ...string) []string {
		return append([]string{"participant", "--name", "x", "--coordinator", "127.0.0.1:1", "--store", "kv:" + filepath.Join(b.dir, "x"), "--ballast", "0B"}, more...)
	}
	serve := func(dir string, more ...string) []string {
		return append([]string{"serve", "--data", filepath.Join(b.dir, dir), "--listen", "127.0.0.1:0", "--ballast", "0B"}, more...)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	used := busy.Addr().String()
	rows := []struct {
		name string
		exit int
		says string
		args []string
	}{
		{"a log in use", 5, "in use", serve("log")},
		{"a port in use", 1, used, serve("new", "--listen", used)},
		{"a participant's port in use", 1, used, member("--listen", used)},
		{"a port that other machines reach", 2, "--insecure", serve("new", "--listen", "0.0.0.0:0")},
		{"no port", 2, "no host:port", serve("new", "--listen", "nowhere")},
		{"no directory", 2, "--data", []string{"serve"}},
		{"the number zero", 2, "--number", serve("new", "--number", "0")},
		{"a number too large", 2, "--number", serve("new", "--number", "4294967296")},
		{"a number that is none", 2, "number", serve("new", "--number", "one")},
		{"a cluster's bad name", 2, "cluster", serve("new", "--cluster", "A_B")},
		{"a timeout of zero", 2, "--timeout", serve("new", "--timeout", "0s")},
		{"a timeout above the maximum", 2, "--max-timeout", serve("new", "--timeout", "1h", "--max-timeout", "1m")},
		{"a maximum above the limit", 2, "1h0m0s", serve("new", "--max-timeout", "2h")},
		{"a size that is none", 2, "--history-size", serve("new", "--history-size", "much")},
		{"a history too short", 2, "history", serve("new", "--history-age", "1s")},
		{"a participant without an address", 2, "name=host:port", serve("new", "--participant", "bank-a")},
		{"a participant with two addresses", 2, "named twice", serve("new", "--participant", "a=x:1", "--participant", "a=y:1")},
		{"a wait below zero", 2, "--presume-after", serve("new", "--presume-after", "-1s")},
		{"a level that is none", 2, "--log-level", serve("new", "--log-level", "loud")},
		{"a fault that is none", 2, "no such point", serve("new", "--fault", "nowhere=kill")},
		{"an unexpected argument", 2, "arguments", serve("new", "now")},
		{"a participant without a name", 2, "--name", member("--name", "")},
		{"a participant's bad name", 2, "participant name", member("--name", "Bank A")},
		{"a participant without a coordinator", 2, "--coordinator", []string{"participant", "--name", "x", "--store", "kv:" + filepath.Join(b.dir, "x")}},
		{"a coordinator without a port", 2, "no host:port", member("--coordinator", "127.0.0.1")},
		{"a participant's address without a port", 2, "no host:port", member("--advertise", "127.0.0.1")},
		{"a store that is none", 2, "kv:DIR", member("--store", "file:x")},
		{"a wildcard address without another", 2, "--advertise", member("--listen", "0.0.0.0:0", "--insecure")},
		{"a log taken for a store", 8, "coordinator", member("--store", "kv:"+b.log())},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.exit == 8 && b.coordinator.stop(t) != 0 {
				t.Fatal("serve did not end well")
			}
			stdout, stderr, exit := command(t, "", row.args...)
			if exit != row.exit || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, row.says) {
				t.Errorf("exit code %d, want %d; stdout %q; stderr %q must be a line with %q", exit, row.exit, stdout, stderr, row.says)
			}
			stdout, stderr, exit = command(t, "", append(row.args, "-o", "json")...)
			if valid(t, "error", stdout); exit != row.exit || stderr != "" {
				t.Errorf("with -o json: exit code %d, stderr %q", exit, stderr)
			}
		})
	}
}

// A log that lost what HEAD remembers is refused, said to be, and taken again once a person has accepted that.
func TestLossIsRefusedAndAccepted(t *testing.T) {
	b := newSite(t, "bank-a", "bank-b")
	b.must(0, deposit, "run", "-f", "-")
	b.coordinator.stop(t)
	if err := os.Remove(filepath.Join(b.log(), "HEAD")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--data", b.log(), "--listen", "127.0.0.1:0"}, {"log", "verify", "--data", b.log()}} {
		stdout, stderr, exit := command(t, "", args...)
		if exit != 8 || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: %d %s %s", args, exit, stdout, stderr)
		}
		stdout, _, exit = command(t, "", append(args, "-o", "json")...)
		if valid(t, "error", stdout); exit != 8 {
			t.Errorf("%v: %d %s", args, exit, stdout)
		}
	}
	if _, stderr, exit := command(t, "", "accept", "loss", "--data", b.log()); exit != 2 || !strings.Contains(stderr, "--reason") {
		t.Errorf("without a reason: %d %s", exit, stderr)
	}
	accepted, stderr, exit := command(t, "", "accept", "loss", "--data", b.log(), "--reason", "the disk was replaced", "-o", "json")
	if exit != 0 {
		t.Fatal(stderr)
	}
	valid(t, "accepted", accepted)
	b.serve()
	b.must(0, "", "status")
}

// A switch of a participant's, and what the coordinator makes of it.
func TestParticipantsMisbehaveOnRequest(t *testing.T) {
	b := newSite(t, "bank-a")
	once := func(more string) {
		b.t.Helper()
		if old := b.members["bank-b"]; old != nil {
			old.stop(t)
		}
		b.join("bank-b", strings.Fields(more)...)
	}
	once("")
	b.must(0, deposit, "run", "-f", "-")
	once("--deny")
	if o := decode[txObject](t, b.must(3, move("1"), "run", "-f", "-", "-o", "json")); o.Reason.Participant != "bank-b" || o.Reason.Code != "refused" {
		t.Errorf("deny: %+v", o.Reason)
	}
	once("--stall")
	if o := decode[txObject](t, b.must(3, move("1"), "run", "-f", "-", "--timeout", "200ms", "-o", "json")); o.Reason.Code != "deadline" {
		t.Errorf("stall: %+v", o.Reason)
	}
	once("--delay 100ms")
	b.must(0, move("1"), "run", "-f", "-")
	once("--forget")
	mixed := decode[txObject](t, b.must(7, move("1"), "run", "-f", "-", "-o", "json"))
	if mixed.Heuristic != "hazard" {
		t.Errorf("forget: %+v", mixed)
	}
	b.must(0, "", "acknowledge", mixed.ID, "--reason", "repaired by hand")
	once("")
	b.must(0, move("1"), "run", "-f", "-")
}

// A participant that never registers itself, as one in another language may: the coordinator is told of it.
func TestParticipantThatIsNamed(t *testing.T) {
	b := newSite(t)
	b.coordinator.stop(t)
	quiet := start(t, append([]string{"participant", "--name", "bank-q", "--store", "kv:" + filepath.Join(b.dir, "q"), "--coordinator", "127.0.0.1:1"}, append(serverFlags, "--log-level", "error")...)...)
	b.serve("--participant", "bank-q="+quiet.ready.Listening, "--log-level", "error")
	b.until("heard bank-q", func() bool {
		stdout, _, exit := b.txc("", "participants", "-o", "json")
		all := decode[participantsObject](t, stdout).Participants
		return exit == 0 && len(all) == 1 && all[0].State == "heard" && all[0].Address == quiet.ready.Listening
	})
	b.must(0, `{"branches":[{"participant":"bank-q","kv":[{"put":{"key":"k","value":"v"}}]}]}`, "run", "-f", "-")
	valid(t, "removed", b.must(0, "", "participants", "remove", "bank-q", "--reason", "moved", "-o", "json"))
}

// The playground answers at once: a transaction over its three participants right after the ready line.
func TestPlayground(t *testing.T) {
	b := &site{t: t, dir: t.TempDir()}
	for range 2 { // what is kept is there again
		b.coordinator = start(t, "dev", "--listen", "127.0.0.1:0", "--data", b.dir)
		if len(b.coordinator.ready.Participants) != 3 {
			t.Errorf("%+v", b.coordinator.ready)
		}
		b.must(0, `branches:
- {participant: bank-a, kv: [{add: {key: n, by: 1}}]}
- {participant: bank-b, kv: [{add: {key: n, by: 1}}]}
- {participant: ledger, kv: [{add: {key: n, by: 1}}]}
`, "run", "-f", "-")
		if code := b.coordinator.stop(t); code != 0 {
			t.Errorf("exit code %d: %s", code, b.coordinator.stderr)
		}
	}
	if dump := must(t, "participant", "--store", "kv:"+filepath.Join(b.dir, "ledger"), "--dump"); !strings.Contains(dump, `"key":"n","value":"2"`) {
		t.Errorf("%s", dump)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if script := must(t, "completion", shell); !strings.Contains(script, "txc") {
			t.Errorf("%s: %s", shell, script)
		}
	}
	typed := os.Args // the library looks there for the word before the last
	defer func() { os.Args = typed }()
	os.Args = []string{"txc", "participants", "--generate-bash-completion"}
	if words := must(t, "--generate-bash-completion"); !strings.Contains(words, "participants") {
		t.Errorf("%s", words)
	}
	if words := must(t, "participants", "--generate-bash-completion"); !strings.Contains(words, "remove") {
		t.Errorf("%s", words)
	}
}
