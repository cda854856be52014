package badgerwal_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb/killed"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/waltest"
)

var stride = flag.Int("flips", 0, "flip every Nth byte of the log's files, not a small sample (1: all of them, ten minutes)")

// contents is what a log says: its recovery and its whole history, but for what every Open adds, and what it answers.
func contents(t *testing.T, l *badgerwal.Log, rec wal.Recovery, last uint64) (string, error) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n%+v\n%+v\n%+v\n%+v\n", rec.Unfinished, rec.Registrations, rec.Stopped, rec.Presumed, rec.Accepted)
	fmt.Fprintf(&b, "%+v\n%v\n", rec.Openings[:len(rec.Openings)-1], rec.Floor)
	for r, err := range l.History(t.Context()) {
		if err != nil {
			return "", err
		}
		if r.LSN > last {
			continue
		}
		fmt.Fprintf(&b, "%+v\n", r)
		if r.Kind != wal.Commit {
			continue
		}
		got, _, ok, err := l.Find(r.ID)
		if err != nil {
			return "", err
		}
		if !ok || got.LSN != r.LSN {
			return "", fmt.Errorf("%v is not found", r.ID)
		}
	}
	for i := range 40 {
		key := fmt.Sprintf("key-%d", i)
		id, ok, err := l.FindKey(key)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s %v %v\n", key, id, ok)
	}
	return b.String(), nil
}

// past writes a little of everything in several openings; the last one is left open.
func past(t *testing.T, s *store) (*badgerwal.Log, uint64) {
	t.Helper()
	var l *badgerwal.Log
	var last uint64
	sequence := uint64(0)
	for opening := range 3 {
		log, rec, err := s.Open(uint64(opening)+1, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		l = log.(*badgerwal.Log)
		for i := range 60 {
			sequence++
			id := txc.ID{Coordinator: waltest.Number, Epoch: rec.Epoch, Sequence: sequence}
			body := wal.CommitBody{Members: []wal.Member{{Participant: "bank-a", Evidence: []byte("evidence")}}}
			if i%5 == 0 {
				body.Key = fmt.Sprintf("key-%d", sequence/5)
			}
			recs := []wal.Record{wal.New(id, time.Now(), body)}
			if i%10 != 0 {
				recs = append(recs, wal.New(id, time.Now(), wal.EndBody{}))
			}
			recs = append(recs, wal.New(txc.ID{}, time.Now(), wal.RegistrationBody{Name: fmt.Sprintf("p-%d", i%7), State: wal.StateActive}))
			if last, err = l.Append(t.Context(), recs); err != nil {
				t.Fatal(err)
			}
		}
		if opening < 2 {
			if err := l.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return l, last
}

// The bytes of a log's files, whichever is flipped: the log is refused, or whoever reads what was damaged is refused,
// or everything is as it was. Never is it shorter.
func TestAFlippedByteIsRefusedOrChangesNothing(t *testing.T) {
	s := newStore(t)
	l, last := past(t, s)
	left := filepath.Join(t.TempDir(), "killed")
	if err := killed.Copy(s.dir, left); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("closed", func(t *testing.T) { flipAll(t, s.dir, s.o, last) })
	t.Run("killed", func(t *testing.T) { flipAll(t, left, s.o, last) })
}

func flipAll(t *testing.T, dir string, o badgerwal.Options, last uint64) {
	want, err := reading(t, dir, o, last)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string][3]int{}
	for path, data := range contentsOf(t, dir) {
		name := filepath.Base(path)
		if name == "LOCK" || name == "ballast" {
			continue
		}
		for _, at := range positions(name, data) {
			poke(t, path, at, data[at]^1<<(at%8))
			got, err := reading(t, dir, o, last)
			poke(t, path, at, data[at])
			n := counts[filepath.Ext(name)+name[:1]]
			switch {
			case errors.Is(err, txc.ErrRefused):
				n[0]++
			case err != nil:
				t.Fatalf("%s, byte %d: %v", name, at, err)
			case got != want:
				t.Fatalf("%s, byte %d: the content is another one, of %d bytes instead of %d", name, at, len(got), len(want))
			default:
				n[1]++
			}
			counts[filepath.Ext(name)+name[:1]] = n
		}
	}
	t.Logf("refused, harmless: %v", counts)
}

func poke(t *testing.T, path string, at int, value byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte{value}, int64(at))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// reading opens a copy and reads everything.
func reading(t *testing.T, dir string, o badgerwal.Options, last uint64) (string, error) {
	t.Helper()
	if err := badgerwal.CheckOnly(dir); errors.Is(err, txc.ErrRefused) {
		return "", err // so is Open, by the same look
	}
	at, err := os.MkdirTemp(t.TempDir(), "flip")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.RemoveAll(at); err != nil {
			t.Error(err)
		}
	}()
	if err := killed.Copy(dir, at); err != nil {
		t.Fatal(err)
	}
	l, rec, err := badgerwal.Open(at, o)
	if err != nil {
		return "", err
	}
	text, err := contents(t, l, rec, last)
	return text, errors.Join(err, l.Close(context.Background()))
}

func contentsOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// positions are the bytes to flip: all that are used, or the first and last ones and some between; and a few behind.
// Of files that hold nothing of ours a few are enough.
func positions(name string, data []byte) []int {
	used := len(strings.TrimRight(string(data), "\x00"))
	between, edge := 12, 8
	if name == "DISCARD" || name == "KEYREGISTRY" || strings.HasSuffix(name, ".vlog") {
		between, edge = 3, 1
	}
	var all []int
	for at := range data {
		near := at < edge || at >= used-edge && at < used+2
		if at < used && *stride > 0 && at%*stride == 0 || near || at < used && at%(used/between+1) == 5 || at == len(data)/2 {
			all = append(all, at)
		}
	}
	return all
}
