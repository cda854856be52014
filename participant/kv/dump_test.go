package kv_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

// A dump tells everything that a store holds, offline and online alike, and changes no file.
func TestDump(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	promise(t, s, branch(1), kv.Put("alice", "70"), kv.Put("\xff", "\xfe"), kv.Put("empty", ""))
	commit(t, s, branch(1))
	promise(t, s, branch(2), kv.Add("alice", 5), kv.Get("bob"))
	promise(t, s, branch(3), kv.Put("carol", "1"))
	if done, err := s.Settle(t.Context(), branch(3), participant.Settlement{Outcome: txc.Aborted, Who: "ada", Why: "ticket 7", When: time.Unix(0, 0)}); !done || err != nil {
		t.Fatal(done, err)
	}
	var online, offline strings.Builder
	if err := s.Dump(t.Context(), &online); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	before := sizes(t, dir)
	if err := kv.Dump(dir, &offline); err != nil {
		t.Fatal(err)
	}
	if after := sizes(t, dir); after != before {
		t.Errorf("the dump changed files:\n%s\n%s", before, after)
	}
	if online.String() != offline.String() {
		t.Errorf("online:\n%s\noffline:\n%s", online.String(), offline.String())
	}
	var got []string
	for l := range strings.Lines(offline.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatal(err)
		}
		delete(m, "instance")
		delete(m, "since")
		b, _ := json.Marshal(m)
		got = append(got, string(b))
	}
	want := []string{
		`{"kind":"store","stamp":4}`,
		`{"key":"alice","kind":"data","value":"70"}`,
		`{"key":"empty","kind":"data","value":""}`,
		`{"key_base64":"/w==","kind":"data","value_base64":"/g=="}`,
		`{"id":"c1.1.2","kind":"in-doubt","mark":"0000000000000009","members":["bank-a","bank-b"]}`,
		`{"id":"c1.1.3","kind":"in-doubt","mark":"0000000000000009","members":["bank-a","bank-b"],"settled":"aborted","why":"aborted by ada at 1970-01-01 00:00:00: ticket 7"}`,
		`{"by":["c1.1.2"],"key":"alice","kind":"lock","mode":"exclusive"}`,
		`{"by":["c1.1.2"],"key":"bob","kind":"lock","mode":"shared"}`,
		`{"id":"c1.1.1","kind":"committed","mark":"0000000000000009"}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDumpIsOfAStoreAlone(t *testing.T) {
	dir := t.TempDir()
	d, err := badgerdb.Open(dir, badgerdb.Options{Role: badgerdb.RoleCoordinator, Cluster: "txc", Number: 1, MinFree: 1, Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := kv.Dump(dir, &out); !errors.Is(err, txc.ErrInvalid) || out.Len() > 0 {
		t.Errorf("a coordinator's log was dumped: %v\n%s", err, &out)
	}
}

func sizes(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		fmt.Fprintln(&all, path, info.Size(), info.ModTime())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
