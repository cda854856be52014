package disk_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb/killed"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/tests/internal/faultfs"
	"github.com/txc-dev/txc/tests/internal/mounts"
	"github.com/txc-dev/txc/tests/internal/suite"
	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
)

// behind is how many bytes behind a file's last used one may be flipped too.
const behind = 64

// A byte of a store's files is flipped, as it was closed and as a kill leaves it: the store is refused, or says the same
// as before, to the last word. Never is it shorter: no record, no promise, no commit is gone.
func TestFlippedBytes(t *testing.T) {
	o, draw := begin(t)
	for _, kind := range kinds {
		for _, state := range []string{"closed", "killed"} {
			dir := lived(t, kind, state == "killed")
			want, err := content(t.Context(), kind, dir)
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, state, err)
			}
			files := flippable(t, dir)
			for range map[suite.Size]int{suite.Small: 15, suite.CI: 125, suite.All: 500}[*size] {
				f := files[draw.IntN(len(files))]
				at, bit := draw.IntN(f.used+behind), byte(1)<<draw.IntN(8)
				o.Figures["flipped bytes of files"]++
				switch got, err := flipped(t, kind, dir, f.path, at, bit); {
				case errors.Is(err, txc.ErrRefused):
					o.Figures["flips that were refused"]++
				case err != nil:
					t.Errorf("%s: %v", again(t, "%s, %s: bit %#x of byte %d of %s", kind, state, bit, at, f.path), err)
				case got != want:
					t.Errorf("%s: another content: %d bytes of it instead of %d", again(t, "%s, %s: bit %#x of byte %d of %s", kind, state, bit, at, f.path), len(got), len(want))
				}
			}
		}
	}
}

// lived makes a store's directory: as its last Close leaves it, or as a kill does in the middle of its second opening.
func lived(t *testing.T, kind string, kill bool) string {
	t.Helper()
	dir := scratch(t)
	file, err := os.Create(filepath.Join(dir, faultfs.NotesFile))
	if err != nil {
		t.Fatal(err)
	}
	data, left := filepath.Join(dir, "data"), filepath.Join(dir, "left")
	n := notes{file: file}
	for opening := range uint64(openings) {
		if kill && opening == openings-1 {
			n.beforeClose = func() error { return killed.Copy(data, left) }
		}
		if err := lifeOf(kind)(n, data, opening); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if kill {
		return left
	}
	return data
}

// scratch is a directory in memory that ends with the test.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := mounts.Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

type flippedFile struct {
	path string
	used int // bytes before the zeros at its end
}

func flippable(t *testing.T, dir string) (all []flippedFile) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "LOCK" || e.Name() == "ballast" {
			return err
		}
		b, err := os.ReadFile(path)
		used := len(strings.TrimRight(string(b), "\x00"))
		if len(b) < used+behind {
			used = len(b) - behind // at the end of what it is
		}
		if used > 0 {
			all = append(all, flippedFile{path, used})
		} else if len(b) > 0 {
			all = append(all, flippedFile{path, len(b) - behind})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// flipped is what a store says with one bit changed, which is as it was again afterwards.
func flipped(t *testing.T, kind, dir, path string, at int, bit byte) (string, error) {
	t.Helper()
	poke := func() {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		_, err = f.ReadAt(b[:], int64(at))
		b[0] ^= bit
		if err == nil {
			_, err = f.WriteAt(b[:], int64(at))
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	poke()
	defer poke()
	return content(t.Context(), kind, dir)
}

// content is all that a store says, opened and asked.
func content(ctx context.Context, kind, dir string) (string, error) {
	var b strings.Builder
	if kind == "kv" {
		if err := kv.Dump(dir, &b); err != nil {
			return "", err
		}
	} else if _, err := badgerwal.Verify(dir); err != nil {
		return "", err
	}
	at, err := mounts.Dir() // opening it changes it
	if err != nil {
		return "", err
	}
	if err = killed.Copy(dir, at); err == nil {
		if kind == "kv" {
			err = kvContent(ctx, at, &b)
		} else {
			err = logContent(ctx, at, &b)
		}
	}
	return b.String(), errors.Join(err, os.RemoveAll(at))
}

func kvContent(ctx context.Context, dir string, b *strings.Builder) error {
	s, err := kv.Open(ctx, dir, kvOptions())
	if err != nil {
		return err
	}
	err = s.Dump(ctx, b)
	m, e := s.Recall(ctx)
	fmt.Fprintf(b, "%+v", m)
	return errors.Join(err, e, s.Close(ctx))
}

func logContent(ctx context.Context, dir string, b *strings.Builder) error {
	l, rec, err := badgerwal.Open(dir, logOptions())
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "head %d, %+v, %+v\n", rec.Head, rec.Unfinished, rec.Openings[:len(rec.Openings)-1])
	for r, e := range l.History(ctx) {
		if err = errors.Join(err, e); err != nil {
			break
		}
		if r.LSN > rec.Head {
			continue
		}
		_, ended, ok, e := l.Find(r.ID)
		err = errors.Join(err, e)
		fmt.Fprintf(b, "%+v %v %v\n", r, ended, ok)
		if body, is := r.Body.(wal.CommitBody); is && body.Key != "" {
			id, ok, e := l.FindKey(body.Key)
			err = errors.Join(err, e)
			fmt.Fprintln(b, id, ok)
		}
	}
	return errors.Join(err, l.Close(ctx))
}
