package stores_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// newRedisTown is a coordinator, a key-value bank, and a participant in a Redis database, each a process.
func newRedisTown(t *testing.T, server *servers.RedisServer, name string) *procs.Cluster {
	t.Helper()
	w := procs.DescribeCluster(t, []string{"bank"})
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(servers.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := procs.FreeAddress(t)
	w.Participants = append(w.Participants, procs.NewServer(t, name, address, procs.Binary(t, "participant-demo"),
		"--name", name, "--listen", address, "--coordinator", w.Coordinator.Address, "--store", server.Store(), "--password-file", secret, "--lock-timeout", "500ms"))
	if err := w.StartAll(); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return w
}

// A transaction file with Redis commands, from `txc run` to the database and back.
func TestShippedCommands(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	beside := client(t, server)
	w := newRedisTown(t, server, "points")
	type outcome struct {
		Outcome string                      `json:"outcome"`
		Reason  *procs.Reason               `json:"reason"`
		Results map[string][]map[string]any `json:"results"`
	}
	run := func(ops string) outcome {
		t.Helper()
		r := w.Txc(t, "branches:\n- participant: bank\n  kv: [{add: {key: alice, by: 1}}]\n- participant: points\n  redis:\n"+ops, "run", "-f", "-")
		var o outcome
		if err := r.JSON(&o); err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		return o
	}
	good := []struct {
		says, ops string
		want      string // results of the participant
	}{
		{"a value is set and told", `  - do: {command: set, args: [a, hello]}
  - do: {command: GET, args: [a]}
  - do: {command: get, args: [none]}`,
			`[{"op":1,"kind":"get","key":"a","found":true,"value":"hello"},{"op":2,"kind":"get","key":"none","found":false}]`},
		{"sums, within bounds", `  - do: {command: incrby, args: [points, "100"]}
  - do: {command: decrby, args: [points, "30", MIN, "0"], expect: "70"}
  - do: {command: hincrby, args: [cart, apple, "2", MAX, "5"]}`,
			`[{"op":0,"kind":"incrby","key":"points","found":true,"value":"100"},{"op":1,"kind":"decrby","key":"points","found":true,"value":"70"},
				{"op":2,"kind":"hincrby","key":"cart","found":true,"value":"2"}]`},
		{"elements come one by one", `  - do: {command: hset, args: [cart, pear, {base64: AP8=}]}
  - do: {command: hgetall, args: [cart]}
  - do: {command: rpush, args: [queue, x, y]}
  - do: {command: lrange, args: [queue, "0", "-1"]}`,
			`[{"op":0,"kind":"hset","key":"cart","found":true,"value":"1"},
				{"op":1,"kind":"hgetall","key":"apple","found":true,"value":"2"},{"op":1,"kind":"hgetall","key":"pear","found":true,"value_base64":"AP8="},
				{"op":2,"kind":"rpush","key":"queue","found":true,"value":"2"},
				{"op":3,"kind":"lrange","key":"queue","found":true,"value":"x"},{"op":3,"kind":"lrange","key":"queue","found":true,"value":"y"}]`},
		{"only if it is not there", `  - do: {command: set, args: [order, paid, NX], expect: OK}`, `null`},
	}
	for _, row := range good {
		t.Run(row.says, func(t *testing.T) {
			o := run(row.ops)
			var want []map[string]any
			if err := json.Unmarshal([]byte(row.want), &want); err != nil {
				t.Fatal(err)
			}
			if o.Outcome != "committed" || !reflect.DeepEqual(o.Results["points"], want) {
				t.Errorf("%+v\nwant %v", o, want)
			}
		})
	}
	bad := map[string][3]string{ // sentence: commands, code, what the reason says
		"an expectation that is not met":    {`  - do: {command: set, args: [order, paid, NX], expect: OK}`, "refused", "not the expected one"},
		"a sum below its bound":             {`  - do: {command: incrby, args: [points, "-71", MIN, "0"]}`, "refused", "-1 is below 0"},
		"a value that is no integer":        {`  - do: {command: incr, args: [a]}`, "refused", "not an integer"},
		"a key of another type":             {`  - do: {command: sadd, args: [a, m]}`, "refused", "holds a string"},
		"a command that is not in the list": {`  - do: {command: flushall, args: [a]}`, "bad_work", "flushall"},
		"a key of the participants":         {`  - do: {command: del, args: ["txc:locks"]}`, "bad_work", "participants' own"},
		"more than results hold":            {`  - do: {command: set, args: [big, ` + strings.Repeat("x", 70000) + `]}` + "\n" + `  - do: {command: get, args: [big]}`, "bad_work", "bytes"},
	}
	for says, row := range bad {
		t.Run(says, func(t *testing.T) {
			o := run(row[0])
			if o.Outcome != "aborted" || o.Reason == nil || o.Reason.Code != row[1] || !strings.Contains(o.Reason.Text, row[2]) || o.Reason.Retryable {
				t.Errorf("%s %+v", o.Outcome, o.Reason)
			}
		})
	}
	if v := beside.Get(t.Context(), "points").Val(); v != "70" {
		t.Errorf("points are %q", v)
	}
	if n := beside.HLen(t.Context(), "txc:locks").Val(); n != 0 {
		t.Errorf("%d locks are left", n)
	}
	if err := w.StopAll(); err != nil {
		t.Error(err)
	}
	if v := w.ReadDump(t, "bank").Data["alice"]; v != "4" {
		t.Errorf("the bank took part in %s transactions, want %d", v, len(good))
	}
}

// A password is neither taken from the command line nor ever shown.
func TestRedisPasswords(t *testing.T) {
	server := servers.Redis(t)
	demo := procs.Binary(t, "participant-demo")
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"--name", "points", "--coordinator", "127.0.0.1:1", "--log-level", "debug"}
	t.Setenv("POINTS_PASSWORD", "hunter2")
	t.Setenv("REDISCLI_AUTH", "hunter2")
	rows := map[string]struct {
		args []string
		code int
		says string
	}{
		"spelled out on the command line: refused": {[]string{"--store", "redis://a:hunter2@h/0"}, 2, "REDISCLI_AUTH"},
		"a wrong one in a file":                    {[]string{"--store", server.Store(), "--password-file", wrong}, 1, "WRONGPASS"},
		"a wrong one in the environment":           {[]string{"--store", server.Store()}, 1, "WRONGPASS"},
		"a wrong one in the address":               {[]string{"--store", strings.Replace(server.Store(), "@", ":${POINTS_PASSWORD}@", 1)}, 1, "WRONGPASS"},
		"an address that cannot be read":           {[]string{"--store", "redis://a:${POINTS_PASSWORD}@h:port/0"}, 2, "--store"},
		"another database than there is":           {[]string{"--store", "redis://a@h/x"}, 2, "--store"},
	}
	for _, says := range slices.Sorted(maps.Keys(rows)) {
		row := rows[says]
		t.Run(says, func(t *testing.T) {
			r := procs.RunContext(t.Context(), demo, "", append(base, row.args...)...)
			if all := r.Stdout + r.Stderr; r.Code != row.code || !strings.Contains(all, row.says) || strings.Contains(all, "hunter2") {
				t.Errorf("code %d: %s", r.Code, all)
			}
		})
	}
}
