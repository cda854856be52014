package txfile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/txfile"
)

const whole = `
timeout: 3s
key: order-4711
labels: {kind: transfer}
wait: decided
branches:
  - participant: bank-a
    kv:
      - put:    {key: k, value: 0x10}
      - delete: {key: k}
      - get:    {key: k}
      - add:    {key: alice, by: -30, min: 0, max: 100}
      - check:  {key: k, value: v}
      - check:  {key_base64: /w==, exists: false}
  - participant: orders
    sql:
      - exec:  {text: "update stock", args: [1, "a-1", null, true, 1.5, {base64: AP8=}, {time: "2026-11-20T10:00:00Z"}], rows: 1}
      - query: {name: order_by_id, args: [4711]}
  - participant: points
    redis:
      - do: {command: incrby, args: [points:alice, "10", {base64: AA==}], expect: null}
  - participant: events
    publish:
      - {to: orders.created, headers: {type: order.created}, body: '{"id":4711}', content_type: application/json}
  - participant: billing
    call: {name: close_account, body: '{"customer":7}'}
`

func TestFileSaysAllThatItCan(t *testing.T) {
	tx, err := txfile.Read("tx.yaml", strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if tx.Timeout != 3*time.Second || tx.Key != "order-4711" || tx.Labels["kind"] != "transfer" || tx.Wait == nil || *tx.Wait != txcpb.Wait_DECIDED {
		t.Errorf("head: %+v", tx)
	}
	want := []string{
		`{"kv":{"ops":[{"put":{"key":"aw==","value":"MHgxMA=="}},{"delete":{"key":"aw=="}},{"get":{"key":"aw=="}},{"add":{"key":"YWxpY2U=","by":"-30","min":"0","max":"100"}},{"check":{"key":"aw==","exists":true,"value":"dg=="}},{"check":{"key":"/w=="}}]}}`,
		`{"sql":{"ops":[{"text":"update stock","args":[{"integer":"1"},{"text":"a-1"},{"null":true},{"boolean":true},{"number":1.5},{"binary":"AP8="},{"unixUs":"1795168800000000"}],"rows":"1"},{"name":"order_by_id","args":[{"integer":"4711"}],"query":true}]}}`,
		`{"redis":{"ops":[{"command":"incrby","args":["cG9pbnRzOmFsaWNl","MTA=","AA=="]}]}}`,
		`{"publish":{"messages":[{"to":"orders.created","headers":{"type":"order.created"},"body":"eyJpZCI6NDcxMX0=","contentType":"application/json"}]}}`,
		`{"call":{"name":"close_account","body":"eyJjdXN0b21lciI6N30="}}`,
	}
	if len(tx.Branches) != len(want) {
		t.Fatalf("%d branches", len(tx.Branches))
	}
	for i, b := range tx.Branches {
		var expected txcpb.Work
		if err := protojson.Unmarshal([]byte(want[i]), &expected); err != nil {
			t.Fatal(err)
		}
		if got := decode(t, b.Work); !proto.Equal(got, &expected) {
			t.Errorf("%s: %v", b.Participant, got)
		}
	}
}

func decode(t *testing.T, work []byte) *txcpb.Work {
	t.Helper()
	var w txcpb.Work
	if err := proto.Unmarshal(work, &w); err != nil {
		t.Fatal(err)
	}
	return &w
}

func TestJSONIsTaken(t *testing.T) {
	text := "{\"branches\":\n\t[{\"participant\":\"a\",\"kv\":[{\"put\":{\"key\":\"\\ud83d\\ude00\",\"value\":\"\\\\ud83d\\ude00 \\/\"}}]}]}"
	tx, err := txfile.Read("tx.json", strings.NewReader(text))
	if err == nil {
		t.Fatalf("half a character was taken: %+v", tx)
	}
	text = strings.Replace(text, "\\\\ud83d\\ude00 ", "\\\\ud83d", 1)
	if tx, err = txfile.Read("tx.json", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	put := decode(t, tx.Branches[0].Work).GetKv().GetOps()[0].GetPut()
	if string(put.GetKey()) != "😀" || string(put.GetValue()) != `\ud83d/` {
		t.Errorf("key %q, value %q", put.GetKey(), put.GetValue())
	}
}

func branch(ops string) string {
	return "branches:\n  - participant: a\n    kv:\n      - " + ops + "\n"
}

func many(n int) string {
	var b strings.Builder
	b.WriteString("branches:\n")
	for i := range n {
		b.WriteString("  - {participant: p" + strings.Repeat("x", i%40) + string(rune('a'+i/40)) + ", kv: [{get: {key: k}}]}\n")
	}
	return b.String()
}

func TestBadFileIsRefusedWithLineAndKey(t *testing.T) {
	big := strings.Repeat("x", 65<<10)
	fat := strings.Repeat("      - put: {key: k, value: "+strings.Repeat("x", 60<<10)+"}\n", 5)
	rows := []struct {
		name, text, want string
		code             txc.Code
	}{
		{"an empty file", "", "tx:1: the file is empty", ""},
		{"a comment alone", "# nothing\n", "tx:1: the file is empty", ""},
		{"null alone", "~", "tx:1: not a mapping", ""},
		{"malformed YAML", "branches: [\n", "tx:1: not YAML: did not find", ""},
		{"a tab", "a:\n\t- b", "tx:2: not YAML: found character that cannot start any token", ""},
		{"several documents", "branches: []\n---\na: 1\n", "tx:2: a second document", ""},
		{"an unknown key", "timeout: 3s\ntimout: 4s\nbranches: []", "tx:2: timout: unknown key; use one of: timeout, key, labels, wait, branches", ""},
		{"a key twice", "key: a\nkey: b\nbranches: []", "tx:2: key: said twice", ""},
		{"an alias", "key: &a x\nbranches: *a", "tx:1: anchors", ""},
		{"a tag", "key: !!str x", "tx:1: tags", ""},
		{"a merge", "<<: {key: a}\nbranches: []", "tx:1: <<: unknown key", ""},
		{"no branches", "key: a", "tx:1: branches is missing", ""},
		{"an empty list of branches", "branches: []", "tx:1: branches: branches are a list of at least one", ""},
		{"a timeout of zero", "timeout: 0\nbranches: []", "tx:1: timeout: a timeout of 0: use more than zero", txc.CodeBadTimeout},
		{"a timeout of zero seconds", "timeout: 0s\nbranches: []", "tx:1: timeout: a timeout of 0s", txc.CodeBadTimeout},
		{"a negative timeout", "timeout: -1s\nbranches: []", "tx:1: timeout: a timeout of -1s", txc.CodeBadTimeout},
		{"a timeout that is a number", "timeout: 3\nbranches: []", "tx:1: timeout: \"3\" is not a duration", txc.CodeBadTimeout},
		{"a timeout above the limit", "timeout: 2h\nbranches: []", "tx:1: timeout: a timeout of 2h: at most 1h0m0s", txc.CodeBadTimeout},
		{"an empty key", "key: ''\nbranches: []", "tx:1: key: a key of 0 bytes", ""},
		{"a key too long", "key: " + strings.Repeat("é", 65) + "\nbranches: []", "tx:1: key: a key of 130 bytes", ""},
		{"a null key", "key:\nbranches: []", "tx:1: key: empty", ""},
		{"an unknown wait", "wait: later\nbranches: []", "tx:1: wait: wait \"later\": use applied or decided", ""},
		{"a label in capitals", "labels: {Kind: x}\nbranches: []", "tx:1: labels.Kind: label name", ""},
		{"a label too long", "labels: {k: " + strings.Repeat("x", 129) + "}\nbranches: []", "tx:1: labels.k: a label value of 129 bytes", ""},
		{"no participant", "branches:\n- kv: [{get: {key: k}}]", "tx:2: branches[0]: participant is missing", ""},
		{"a bad participant", "branches:\n- participant: Bank A\n  kv: []", "tx:2: branches[0].participant: participant name \"Bank A\"", txc.CodeBadName},
		{"a participant twice", many(1) + "  - {participant: pa, kv: [{get: {key: k}}]}", "tx:3: branches[1]: pa has a branch at line 2 already", ""},
		{"more than 64 branches", many(65), "tx:2: branches: 65 branches: at most 64", txc.CodeTooManyBranches},
		{"no operations", "branches:\n- participant: a", "tx:2: branches[0]: no operations", ""},
		{"two kinds", "branches:\n- participant: a\n  kv: [{get: {key: k}}]\n  call: {name: x}", "tx:2: branches[0]: both kv and call", ""},
		{"an unknown kind", "branches:\n- participant: a\n  mongo: []", "tx:3: branches[0].mongo: unknown key", ""},
		{"an empty list of operations", "branches:\n- participant: a\n  kv: []", "tx:3: branches[0].kv: a list of at least one operation", ""},
		{"an unknown operation", branch("incr: {key: k}"), "tx:4: branches[0].kv[0].incr: unknown key; use one of: put, delete, get, add, check", ""},
		{"two operations in one", branch("{get: {key: k}, put: {key: k, value: v}}"), "tx:4: branches[0].kv[0]: an operation is a mapping with one key", ""},
		{"a misspelt field", branch("add: {key: k, bye: 3}"), "tx:4: branches[0].kv[0].add.bye: unknown key", ""},
		{"an amount that is no number", branch("add: {key: k, by: ten}"), "tx:4: branches[0].kv[0].add.by: \"ten\" is not a whole number", ""},
		{"an amount with a point", branch("add: {key: k, by: 1.5}"), "add.by: \"1.5\" is not a whole number", ""},
		{"an amount too large", branch("add: {key: k, by: 9223372036854775808}"), "is not a whole number of 64 bits", ""},
		{"no amount", branch("add: {key: k}"), "add: by is missing", ""},
		{"min above max", branch("add: {key: k, by: 1, min: 5, max: 4}"), "min 5 is above max 4", ""},
		{"an empty store key", branch("get: {key: ''}"), "a key of 0 bytes: use 1 to 1024", txc.CodeTooLarge},
		{"no store key", branch("get: {}"), "branches[0].kv[0].get: key is missing", ""},
		{"a value too large", branch("put: {key: k, value: " + big + "}"), "a value of 66560 bytes: at most 65536", txc.CodeTooLarge},
		{"a branch too large", "branches:\n  - participant: a\n    kv:\n" + fat, "bytes of work: at most 262144 for one branch", txc.CodeTooLarge},
		{"both value and base64", branch("put: {key: k, value: v, value_base64: dg==}"), "both value and value_base64", ""},
		{"bad base64", branch("put: {key: k, value_base64: '%'}"), "not base64", ""},
		{"a check of nothing", branch("check: {key: k}"), "nothing to check", ""},
		{"a value that must not exist", branch("check: {key: k, exists: false, value: v}"), "a value of a key that must not exist", ""},
		{"an exists that is no boolean", branch("check: {key: k, exists: maybe}"), "check.exists: use true or false", ""},
		{"a nest too deep", branch("get: " + strings.Repeat("[", 30) + strings.Repeat("]", 30)), "nested too deep", ""},
		{"a statement twice", "branches:\n- participant: a\n  sql: [{exec: {name: a, text: b}}]", "say either the name of a statement or its text", ""},
		{"a bad time", "branches:\n- participant: a\n  sql: [{exec: {name: a, args: [{time: noon}]}}]", "branches[0].sql[0].exec.args[0].time: not a time of RFC 3339", ""},
		{"a command missing", "branches:\n- participant: a\n  redis: [{do: {args: []}}]", "command is missing", ""},
		{"a subject missing", "branches:\n- participant: a\n  publish: [{body: x}]", "to is missing", ""},
		{"a call without a name", "branches:\n- participant: a\n  call: {}", "name is missing", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := txfile.Read("tx", strings.NewReader(row.text))
			var bad *txfile.Error
			if !errors.As(err, &bad) || !errors.Is(err, txc.ErrInvalid) {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(err.Error(), row.want) || bad.Code != row.code {
				t.Errorf("code %q, %s\nwant code %q, %s", bad.Code, err, row.code, row.want)
			}
			if strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 400 {
				t.Errorf("not one line: %q", err)
			}
		})
	}
}

func TestOperationsOfEnlist(t *testing.T) {
	for text, ops := range map[string]int{
		`[{add: {key: alice, by: -30}}, {get: {key: bob}}]`:   2,
		`{add: {key: alice, by: -30}}`:                        1,
		"add: {key: alice, by: -30}":                          1,
		`{kv: [{get: {key: a}}]}`:                             1,
		"- get: {key: a}\n- get: {key: b}\n- get: {key: c}\n": 3,
		`[{"add":{"key":"alice","by":-30}}]`:                  1,
	} {
		work, err := txfile.Ops("OPS", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := len(decode(t, work).GetKv().GetOps()); got != ops {
			t.Errorf("%s: %d operations", text, got)
		}
	}
	for _, text := range []string{"", "alice", "[]", "{}", "{participant: a, kv: [{get: {key: k}}]}", "{kv: [{get: {key: k}}], call: {name: x}}"} {
		if _, err := txfile.Ops("OPS", text); !errors.Is(err, txc.ErrInvalid) || !strings.HasPrefix(err.Error(), "OPS:1: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFileTooLargeIsRefusedUnread(t *testing.T) {
	_, err := txfile.Read("tx", strings.NewReader(strings.Repeat(" ", txfile.MaxFile+1)))
	var bad *txfile.Error
	if !errors.As(err, &bad) || bad.Code != txc.CodeTooLarge {
		t.Fatal(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(whole)
	f.Add(branch("add: {key: k, by: 1}"))
	f.Add(`{"branches":[{"participant":"a","kv":[{"put":{"key":"\ud83d\ude00","value":"x"}}]}]}`)
	f.Add("a: &x [*x]")
	f.Fuzz(func(t *testing.T, text string) {
		tx, err := txfile.Read("tx", strings.NewReader(text))
		if err != nil {
			var bad *txfile.Error
			if !errors.As(err, &bad) || bad.Line < 1 || strings.ContainsAny(err.Error(), "\n\r\x00") {
				t.Fatalf("%q", err)
			}
			return
		}
		if len(tx.Branches) == 0 || len(tx.Branches) > txc.MaxBranches || tx.Timeout < 0 {
			t.Fatalf("%+v", tx)
		}
		for _, b := range tx.Branches {
			if txc.CheckParticipant(b.Participant) != nil || len(b.Work) == 0 || len(b.Work) > txc.MaxWork || decode(t, b.Work).GetKind() == nil {
				t.Fatalf("%+v", b)
			}
		}
	})
}
