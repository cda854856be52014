package blackbox_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// inputRow is one bad input and what it gets.
type inputRow struct {
	proves string
	stdin  string
	args   []string
	exit   int
	code   string   // of the error object
	says   []string // in the error's text or hint
	id     string   // that the error object must bear
	key    string   // the same
}

const fine = `{participant: bank-a, kv: [{put: {key: bad, value: input}}]}`

func inputRows() []inputRow {
	run := []string{"run", "-f", "-"}
	big := strings.Repeat("x", 60<<10)
	var ops, branches []string
	for i := range 6 {
		ops = append(ops, fmt.Sprintf("{put: {key: bad%d, value: %s}}", i, big))
	}
	for i := range 65 {
		branches = append(branches, fmt.Sprintf("{participant: p%d, kv: [{get: {key: k}}]}", i))
	}
	one := func(op string) string { return "branches:\n  - participant: bank-a\n    kv:\n      - " + op + "\n" }
	return []inputRow{
		{"an unknown participant", "key: k-1\nbranches: [" + fine + ", {participant: nobody, kv: [{get: {key: k}}]}]", run, 2, "unknown_participant", []string{"nobody"}, "", "k-1"},
		{"an id that was never issued", "", []string{"show", "c1.1.99999999"}, 6, "not_found", []string{"c1.1.99999999"}, "c1.1.99999999", ""},
		{"an id of another coordinator", "", []string{"show", "c7.1.1"}, 2, "wrong_coordinator", nil, "c7.1.1", ""},
		{"what is no id", "", []string{"show", "c1.01.5"}, 2, "", []string{"c1.01.5"}, "", ""},
		{"commit of an unknown id", "", []string{"commit", "c1.1.99999999"}, 6, "not_found", nil, "c1.1.99999999", ""},
		{"abort of an unknown id", "", []string{"abort", "c1.1.99999999"}, 6, "not_found", nil, "c1.1.99999999", ""},
		{"malformed YAML: the line", "timeout: 3s\nbranches:\n  - participant: [bank-a\n", run, 2, "", []string{"standard input:"}, "", ""},
		{"a wrong type: line and key", one("add: {key: k, by: many}"), run, 2, "", []string{":4:", "by"}, "", ""},
		{"an unknown key: line and key", "branches: [" + fine + "]\ncolour: red\n", run, 2, "", []string{":2:", "colour"}, "", ""},
		{"an unknown operation: line and key", one("incr: {key: k}"), run, 2, "", []string{":4:", "incr"}, "", ""},
		{"a participant named twice", "key: k-2\nbranches: [" + fine + ", " + fine + "]", run, 2, "", []string{"bank-a"}, "", ""},
		{"two documents", "branches: [" + fine + "]\n---\nbranches: [" + fine + "]\n", run, 2, "", nil, "", ""},
		{"nothing", "", run, 2, "", nil, "", ""},
		{"no branches", "timeout: 3s\n", run, 2, "", []string{"branches"}, "", ""},
		{"a payload over the limit", "branches: [{participant: bank-a, kv: [" + strings.Join(ops, ",") + "]}]", run, 2, "too_large", nil, "", ""},
		{"a value over the limit", one("put: {key: bad, value: " + big + big + "}"), run, 2, "", []string{":4:", "value"}, "", ""},
		{"more than 64 branches", "branches: [" + strings.Join(branches, ",") + "]", run, 2, "too_many_branches", []string{"64"}, "", ""},
		{"a timeout of zero", "timeout: 0s\nbranches: [" + fine + "]", run, 2, "bad_timeout", []string{":1:", "timeout"}, "", ""},
		{"a timeout below zero", "timeout: -1s\nbranches: [" + fine + "]", run, 2, "bad_timeout", nil, "", ""},
		{"a timeout over the coordinator's limit", "key: k-3\ntimeout: 45m\nbranches: [" + fine + "]", run, 2, "bad_timeout", nil, "", "k-3"},
		{"a key that is too long", "key: " + strings.Repeat("k", 129) + "\nbranches: [" + fine + "]", run, 2, "", []string{"128"}, "", ""},
		{"a participant's name that cannot be one", "branches: [{participant: Bank_A, kv: [{get: {key: k}}]}]", run, 2, "", []string{"Bank_A"}, "", ""},
		{"a wait that is none", "wait: never\nbranches: [" + fine + "]", run, 2, "", []string{"never"}, "", ""},
		{"a file that is not there", "", []string{"run", "-f", "/nonexistent/tx.yaml"}, 2, "", []string{"/nonexistent/tx.yaml"}, "", ""},
		{"no file", "", []string{"run"}, 2, "", nil, "", ""},
		{"an unknown command", "", []string{"ruin"}, 2, "", []string{"ruin", "txc help"}, "", ""},
		{"an unknown flag", "", []string{"list", "--colour"}, 2, "", []string{"colour"}, "", ""},
		{"an unknown state", "", []string{"list", "--state", "dreaming"}, 2, "", []string{"dreaming"}, "", ""},
		{"enlisting at an unknown participant", "", []string{"enlist", "c1.1.99999999", "nobody", "get: {key: k}"}, 6, "", nil, "c1.1.99999999", ""},
		{"settling without a reason", "", []string{"resolve", "c1.1.1", "--participant", "bank-a", "--outcome", "commit"}, 2, "", []string{"reason"}, "c1.1.1", ""},
	}
}

// Every bad input gets one line that says what to do, the right exit code, no stack trace; with -o json an object with
// id and key where they are known. Nothing is lost by it.
func TestBadInput(t *testing.T) {
	t.Parallel()
	c := procs.NewCluster(t, []string{"bank-a", "bank-b"})
	if err := campaign.Registered(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	keep := c.Txc(t, `{"branches":[{"participant":"bank-a","kv":[{"put":{"key":"kept","value":"well"}}]}]}`, "run", "-f", "-")
	if keep.Code != 0 {
		t.Fatalf("a good transaction: %+v", keep)
	}
	for _, row := range inputRows() {
		t.Run(row.proves, func(t *testing.T) {
			words := procs.RunContext(t.Context(), c.TxcPath(), row.stdin, append(append([]string{}, row.args...), "--coordinator", c.Coordinator.Address)...)
			checkWords(t, words, row.exit, row.says)
			object := c.Txc(t, row.stdin, row.args...)
			checkObject(t, object, row)
		})
	}
	after := c.Txc(t, `{"branches":[{"participant":"bank-a","kv":[{"get":{"key":"kept"}},{"get":{"key":"bad"}}]}]}`, "run", "-f", "-")
	var tx procs.Tx
	if err := after.JSON(&tx); err != nil || len(tx.Results["bank-a"]) != 2 {
		t.Fatalf("afterwards: %v: %+v", err, after)
	}
	if got := tx.Results["bank-a"]; got[0].Value != "well" || got[1].Found {
		t.Errorf("afterwards bank-a has %+v", got)
	}
	for _, s := range c.Nodes() {
		if !s.Running() || s.Starts() != 1 {
			t.Errorf("%s did not survive bad input", s.Name)
		}
	}
}

// checkWords: what a person sees.
func checkWords(t *testing.T, r procs.Result, exit int, says []string) {
	t.Helper()
	if r.Code != exit {
		t.Errorf("code %d, not %d: %s%s", r.Code, exit, r.Stdout, r.Stderr)
	}
	if r.Stdout != "" {
		t.Errorf("an error on stdout: %q", r.Stdout)
	}
	if n := strings.Count(r.Stderr, "\n"); n != 1 || !strings.HasSuffix(r.Stderr, "\n") {
		t.Errorf("%d lines on stderr, not one: %q", n, r.Stderr)
	}
	for _, trace := range []string{"goroutine ", "panic", ".go:", "rpc error", "%!"} {
		if strings.Contains(r.Stderr, trace) {
			t.Errorf("%q on stderr: %q", trace, r.Stderr)
		}
	}
	for _, word := range says {
		if !strings.Contains(r.Stderr, word) {
			t.Errorf("no %q on stderr: %q", word, r.Stderr)
		}
	}
}

// checkObject: what a script sees.
func checkObject(t *testing.T, r procs.Result, row inputRow) {
	t.Helper()
	var o procs.Tx
	if err := r.JSON(&o); err != nil || o.Error == nil {
		t.Errorf("no error object (%v): %q, stderr %q", err, r.Stdout, r.Stderr)
		return
	}
	if r.Code != row.exit || r.Stderr != "" {
		t.Errorf("with -o json: code %d, stderr %q", r.Code, r.Stderr)
	}
	if o.Error.Code == "" || row.code != "" && o.Error.Code != row.code {
		t.Errorf("code %q, not %q: %s", o.Error.Code, row.code, r.Stdout)
	}
	for _, word := range row.says {
		if !strings.Contains(o.Error.Text+o.Error.Hint, word) {
			t.Errorf("no %q in %s", word, r.Stdout)
		}
	}
	if o.ID != row.id || o.Key != row.key {
		t.Errorf("id %q, key %q, not %q, %q: %s", o.ID, o.Key, row.id, row.key, r.Stdout)
	}
}

// Servers that must not start, on directories and addresses that are not theirs.
func TestBadStart(t *testing.T) {
	t.Parallel()
	c := procs.NewCluster(t, []string{"bank-a"})
	if err := campaign.Registered(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := c.StopAll(); err != nil {
		t.Fatal(err)
	}
	newer := t.TempDir()
	newerStore := t.TempDir()
	for from, to := range map[string]string{c.CoordinatorData(): newer, c.Data("bank-a"): newerStore} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		if err := madeByNewer(to); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	free := procs.FreeAddress(t)
	idle := t.TempDir()
	for _, row := range []struct {
		proves string
		server string
		exit   int
		says   []string
		args   []string
	}{
		{"a second coordinator on the same directory", "txc", 5, []string{"in use"}, []string{"serve", "--data", c.CoordinatorData(), "--listen", free}},
		{"a second participant on the same directory", "participant-demo", 5, []string{"in use"}, []string{"--name", "bank-a", "--listen", free, "--coordinator", c.Coordinator.Address, "--store", "kv:" + c.Data("bank-a")}},
		{"a port in use", "txc", 1, []string{c.Coordinator.Address, "choose another port"}, []string{"serve", "--data", idle, "--listen", c.Coordinator.Address}},
		{"a participant's port in use", "participant-demo", 1, []string{c.Coordinator.Address, "choose another port"}, []string{"--name", "bank-z", "--listen", c.Coordinator.Address, "--coordinator", free, "--store", "kv:" + filepath.Join(idle, "z")}},
		{"an address that others can reach", "txc", 2, []string{"--insecure"}, []string{"serve", "--data", idle, "--listen", "0.0.0.0:0"}},
		{"a participant's address that others can reach", "participant-demo", 2, []string{"--insecure"}, []string{"--name", "bank-z", "--listen", "0.0.0.0:0", "--advertise", free, "--coordinator", free, "--store", "kv:" + filepath.Join(idle, "z")}},
		{"a log made by a newer txc", "txc", 8, []string{"newer"}, []string{"serve", "--data", newer, "--listen", free}},
		{"a store made by a newer txc", "participant-demo", 8, []string{"newer"}, []string{"--name", "bank-a", "--listen", free, "--coordinator", free, "--store", "kv:" + newerStore}},
		{"a participant without a name", "participant-demo", 2, []string{"--name"}, []string{"--listen", free, "--coordinator", free, "--store", "kv:" + idle}},
		{"a store that is none", "participant-demo", 2, []string{"--store"}, []string{"--name", "bank-z", "--coordinator", free, "--store", "file"}},
		{"a number of zero", "txc", 2, []string{"--number"}, []string{"serve", "--data", idle, "--listen", free, "--number", "0"}},
	} {
		t.Run(row.proves, func(t *testing.T) {
			checkWords(t, procs.Run(t, row.server, "", row.args...), row.exit, row.says)
		})
	}
	c.KillAll()
	for _, row := range []struct {
		proves string
		server string
		args   []string
		says   []string
	}{
		{"a log of another cluster", "txc", []string{"serve", "--data", c.CoordinatorData(), "--listen", free, "--cluster", "other"}, []string{"cluster"}},
		{"a log of another number", "txc", []string{"serve", "--data", c.CoordinatorData(), "--listen", free, "--number", "2"}, []string{"number"}},
		{"a store of another cluster", "participant-demo", []string{"--name", "bank-a", "--cluster", "other", "--listen", free, "--coordinator", free, "--store", "kv:" + c.Data("bank-a")}, []string{"cluster"}},
		{"a store of another name", "participant-demo", []string{"--name", "bank-b", "--listen", free, "--coordinator", free, "--store", "kv:" + c.Data("bank-a")}, []string{"bank-a"}},
		{"a log taken for a store", "participant-demo", []string{"--name", "bank-a", "--listen", free, "--coordinator", free, "--store", "kv:" + c.CoordinatorData()}, []string{"coordinator"}},
	} {
		t.Run(row.proves, func(t *testing.T) {
			checkWords(t, procs.Run(t, row.server, "", row.args...), 8, row.says)
		})
	}
	if err := c.StartAll(); err != nil {
		t.Errorf("afterwards it does not start: %v", err)
	}
}

// madeByNewer raises the format that a directory says it has.
func madeByNewer(dir string) error {
	path := filepath.Join(dir, "IDENTITY")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var id struct {
		Format   int    `json:"format"`
		Role     string `json:"role"`
		Cluster  string `json:"cluster"`
		Number   int    `json:"number,omitempty"`
		Name     string `json:"name,omitempty"`
		Instance string `json:"instance,omitempty"`
		Sum      string `json:"sum"`
	}
	if err := json.Unmarshal(text, &id); err != nil {
		return err
	}
	id.Format++
	sum := fmt.Sprintf("%d\n%s\n%s\n%d\n%s\n%s", id.Format, id.Role, id.Cluster, id.Number, id.Name, id.Instance)
	id.Sum = fmt.Sprintf("%08x", crc32.Checksum([]byte(sum), crc32.MakeTable(crc32.Castagnoli)))
	if text, err = json.Marshal(id); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// Without a coordinator nothing was begun, and every command says so.
func TestNoCoordinator(t *testing.T) {
	t.Parallel()
	address := procs.FreeAddress(t)
	row := inputRow{exit: 5, code: "unavailable", key: "k-away", says: []string{address}}
	input := "key: k-away\ntimeout: 300ms\nbranches: [" + fine + "]"
	for _, args := range [][]string{{"run", "-f", "-"}, {"status"}, {"list"}, {"show", "c1.1.1"}, {"participants"}, {"begin"}} {
		t.Run(args[0], func(t *testing.T) {
			want := row
			want.key, want.id = "", ""
			switch args[0] {
			case "run":
				want.key = row.key
			case "show":
				want.id = args[1]
			}
			more := append(append([]string{}, args...), "--coordinator", address, "--patience", "300ms")
			checkWords(t, procs.Run(t, "txc", input, more...), want.exit, want.says)
			checkObject(t, procs.Run(t, "txc", input, append(more, "-o", "json")...), want)
		})
	}
}
