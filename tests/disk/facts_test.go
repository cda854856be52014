package disk_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/txc-dev/txc/tests/internal/faultfs"
	"github.com/txc-dev/txc/tests/internal/mounts"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// The facts are about Badger v4.9.6. Each is seen in a bare Badger first, so that a version without it is noticed, and
// then the product has to have its answer.

// fileNode is the number of the first file that a process made with this ending.
func fileNode(t *testing.T, ops []faultfs.Op, ending string) uint64 {
	t.Helper()
	for _, o := range ops {
		if o.Kind == faultfs.Create && strings.HasSuffix(o.Name, ending) {
			return o.Node
		}
	}
	t.Fatalf("no file *%s was made", ending)
	return 0
}

// strike finds the change of a kind to a file that comes next after a note: a fault is to strike there.
func strike(t *testing.T, ops []faultfs.Op, note string, kind faultfs.Kind, node uint64) int {
	t.Helper()
	n, noted := 0, false
	for _, o := range ops {
		switch {
		case o.Kind == faultfs.Note:
			noted = noted || strings.HasPrefix(string(o.Data), note)
			continue
		case noted && o.Kind == kind && o.Node == node:
			return n + 1
		}
		n++
	}
	t.Fatalf("after %q no %v of file %d comes", note, kind, node)
	return 0
}

// recorded is a life without a fault.
func recorded(t *testing.T, kind string) []faultfs.Op {
	t.Helper()
	return struck(t, kind, faultfs.Fault{})
}

func struck(t *testing.T, kind string, f faultfs.Fault) []faultfs.Op {
	t.Helper()
	d, err := live(t.Context(), kind, f)
	if err != nil {
		t.Fatal(err)
	}
	return d.Ops()
}

// said counts the notes that begin so.
func said(ops []faultfs.Op, word string) (n int) {
	for _, line := range faultfs.Notes(ops) {
		if strings.HasPrefix(line, word) {
			n++
		}
	}
	return n
}

// mustStop has the product live with a fault: it stops, and no image of what is left lacks anything that was told.
func mustStop(t *testing.T, f faultfs.Fault, kind string) {
	t.Helper()
	r, err := try(t.Context(), kind, f, nil)
	if err != nil || r.figures[stopped] != 1 {
		t.Errorf("%s, %v: %v, %v", kind, f, r.figures, err)
	}
}

// B1: a commit stores into memory maps and syncs; it issues no write or pwrite of what it commits. So faults that strike
// those alone prove nothing; the product's tests fail the sync, and what the kernel then writes. Badger itself calls msync,
// of two files for each commit; the product syncs the one that matters, and the others not at all.
func TestB1ACommitIsAnMsync(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		suite.Need(t, fmt.Errorf("%w: strace", suite.ErrMissing))
	}
	trace := func(kind string, args ...string) (calls, lines []string) {
		dir := scratch(t)
		out := filepath.Join(dir, "trace")
		args = append([]string{"-f", "-o", out}, args...)
		cmd := exec.CommandContext(t.Context(), "strace", append(args, os.Args[0], "-victim", kind, "-dir", dir)...)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, b)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		told, err := os.ReadFile(filepath.Join(dir, faultfs.NotesFile))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(text), "\n"), strings.Split(string(told), "\n")
	}
	calls, _ := trace("bare", "-e", "trace=write,pwrite64,writev,fsync,fdatasync,msync")
	within, msyncs := false, 0
	for _, c := range calls {
		switch {
		case strings.Contains(c, `"begin 5\n"`):
			within = true
		case strings.Contains(c, `"ok 5\n"`):
			within = false
		case within && strings.Contains(c, "msync("):
			msyncs++
		case within && (strings.Contains(c, "sync(") || strings.Contains(c, "pwrite64(") || strings.Contains(c, "writev(")):
			t.Errorf("in a commit: %s", c)
		}
	}
	if msyncs < 2 {
		t.Errorf("%d msyncs in a commit, of two files", msyncs)
	}
	for _, kind := range kinds {
		calls, _ := trace(kind, "-e", "trace=write,fdatasync,msync")
		writing, since, byBadger, byUs := false, 0, 0, 0
		for _, c := range calls {
			switch {
			case strings.Contains(c, `"`+firstWord[kind]): // between two of these nothing else happens
				if writing {
					byBadger += since
				}
				writing, since = true, 0
			case strings.Contains(c, `"closed`):
				writing = false
			case strings.Contains(c, "msync("):
				since++
			case writing && strings.Contains(c, "fdatasync("):
				byUs++
			}
		}
		if byBadger > 0 || byUs < openings*(rounds-1) {
			t.Errorf("%s: %d syncs of Badger's, %d of its own", kind, byBadger, byUs)
		}
	}
	// The count is one thread's: which commit it strikes is open.
	_, told := trace("log", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=4+")
	wrong, done := 0, 0
	for _, line := range told {
		if strings.HasPrefix(line, "alive") || strings.HasPrefix(line, "unbounded") {
			wrong++
		}
		if line == "done" {
			done++
		}
	}
	if wrong > 0 || done > 0 {
		t.Errorf("a log over a failing msync says %q", told)
	}
}

// B2: an error of a commit does not mean that it was not applied: the value can be read, and later commits succeed. The
// product never takes such an error for a No: nothing is written any more, and only the log tells when it is opened again.
func TestB2AnErrorIsNotANo(t *testing.T) {
	suite.Need(t, fuseNeeded())
	ops := recorded(t, "bare")
	at := strike(t, ops, "begin 3", faultfs.Sync, fileNode(t, ops, ".mem"))
	ops = struck(t, "bare", faultfs.Fault{At: at, Err: syscall.EIO})
	if said(ops, "failed 3 there true") != 1 || said(ops, "ok 9") != 1 {
		t.Errorf("bare Badger says %q", faultfs.Notes(ops))
	}
	for _, kind := range kinds {
		ops := recorded(t, kind)
		mustStop(t, faultfs.Fault{At: strike(t, ops, firstWord[kind]+" 3", faultfs.Sync, fileNode(t, ops, ".mem")), Err: syscall.EIO}, kind)
	}
}

// firstWord is what each kind of store says of a write that it was told of.
var firstWord = map[string]string{"log": "acknowledged", "kv": "promised"}

// B3: after one transient error of a write-back the next commits return nil, and are lost: what is read again ends at the
// hole. The product stops at the first error of any kind.
func TestB3OneErrorLosesWhatComesAfter(t *testing.T) {
	suite.Need(t, fuseNeeded())
	ops := recorded(t, "bare")
	at := strike(t, ops, "begin 3", faultfs.Write, fileNode(t, ops, ".mem"))
	ops = struck(t, "bare", faultfs.Fault{At: at, Err: syscall.EIO})
	end := 0 // before Close, which may save what it has in memory
	for i, o := range ops {
		if o.Kind == faultfs.Note && strings.HasPrefix(string(o.Data), "ok 9") {
			end = i + 1
		}
	}
	acknowledged, left := said(ops[:end], "ok"), bareImage(t, ops[:end], faultfs.Keep{All: true}, bareWrites)
	if said(ops, "failed") != 1 || left >= acknowledged {
		t.Errorf("bare Badger acknowledged %d and has %d: %q", acknowledged, left, faultfs.Notes(ops))
	}
	for _, kind := range kinds {
		ops := recorded(t, kind)
		mustStop(t, faultfs.Fault{At: strike(t, ops, firstWord[kind]+" 3", faultfs.Write, fileNode(t, ops, ".mem")), Err: syscall.EIO}, kind)
	}
}

// B4: an error of the value log's sync is only logged: the commit returns nil. In the product nothing of ours is ever in
// the value log, it is not synced but when it is closed, and what Badger only logs stops the store.
func TestB4TheValueLogsErrorsAreOnlyLogged(t *testing.T) {
	suite.Need(t, fuseNeeded())
	ops := recorded(t, "bare")
	at := strike(t, ops, "begin 3", faultfs.Sync, fileNode(t, ops, ".vlog"))
	ops = struck(t, "bare", faultfs.Fault{At: at, Err: syscall.EIO})
	if said(ops, "ok") != bareWrites {
		t.Errorf("bare Badger says %q", faultfs.Notes(ops))
	}
	for _, kind := range kinds {
		ops := recorded(t, kind)
		vlog := fileNode(t, ops, ".vlog")
		mustStop(t, faultfs.Fault{At: strike(t, ops, firstWord[kind]+" 3", faultfs.Sync, vlog), Err: syscall.EIO}, kind)
		for _, o := range ops {
			if o.Kind == faultfs.Write && o.Node == vlog && len(bytes.Trim(o.Data[min(len(o.Data), 20):], "\x00")) > 0 {
				t.Errorf("%s: in the value log: %v", kind, o)
			}
		}
	}
}

// B5: a flipped byte in the newest write-ahead file makes a shorter database, without a word. The product has a HEAD that
// knows better: the log one, the key-value store one.
func TestB5AFlippedByteMakesItShorter(t *testing.T) {
	suite.Need(t, fuseNeeded())
	shorten := func(ops []faultfs.Op, word string) string {
		dir := scratch(t)
		for i, o := range ops { // as a kill leaves it
			if o.Kind == faultfs.Note && strings.HasPrefix(string(o.Data), word) {
				ops = ops[:i+1]
				break
			}
		}
		if err := faultfs.Image(dir, ops, faultfs.Keep{All: true}); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(dir, "data", "*.mem"))
		if err == nil && len(found) == 0 {
			found, err = filepath.Glob(filepath.Join(dir, "data", "badger", "*.mem"))
		}
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		b, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		b[len(bytes.TrimRight(b, "\x00"))/2] ^= 1
		if err := os.WriteFile(found[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, "data")
	}
	if left := bareLeft(t, shorten(recorded(t, "bare"), "ok 9"), bareWrites); left == 0 || left == bareWrites {
		t.Errorf("of %d bare Badger has %d", bareWrites, left)
	}
	for _, kind := range kinds {
		if text, err := content(t.Context(), kind, shorten(recorded(t, kind), firstWord[kind]+" 9")); err == nil {
			t.Errorf("%s: not refused: %s", kind, text)
		}
	}
}

// B6: SyncWrites off and Sync as a group commit are not durable: Sync covers the newest memtable alone. The product writes
// each group as one transaction, and syncs the file that it went to, however many memtables the groups take.
func TestB6SyncIsNoGroupCommit(t *testing.T) {
	suite.Need(t, fuseNeeded())
	seen := false
	for range 5 { // it is a race with the flush of the older memtable, which is held up: Badger tries again after a second
		ops := struck(t, "bare-groups", faultfs.Fault{Made: ".sst", Err: syscall.EIO})
		for i, o := range ops {
			if o.Kind == faultfs.Note && strings.HasPrefix(string(o.Data), "ok") {
				seen = seen || bareImage(t, ops[:i+1], faultfs.Keep{}, bareGroup) < bareGroup
			}
		}
		if seen {
			break
		}
	}
	if !seen {
		t.Error("bare Badger has lost nothing")
	}
	ops := recorded(t, "log-large")
	told, err := toldBy(faultfs.Notes(ops))
	if err != nil || !told.done {
		t.Fatal(told, err)
	}
	tables := 0
	for i, o := range ops {
		if o.Kind == faultfs.Create && strings.HasSuffix(o.Name, ".mem") {
			tables++
		}
		if o.Kind == faultfs.Note && i%3 == 0 {
			said, err := toldBy(faultfs.Notes(ops[:i+1]))
			if err == nil {
				err = image(ops[:i+1], faultfs.Keep{}, func(dir string) error { return check(t.Context(), "log", dir, said) })
			}
			if err != nil {
				t.Errorf("a power cut behind change %d: %v", i, err)
			}
		}
	}
	if tables < 4 {
		t.Errorf("only %d memtables: it proves little", tables)
	}
}

// B7: on a full disk a store into a file's hole kills the process, and on a dead one Close never returns. The product
// refuses work before (TestFullDisk), and its Close is bounded, always (TestFailing…).
func TestB7AFullDiskKillsAndADeadOneHangs(t *testing.T) {
	suite.Need(t, fuseNeeded())
	ops := recorded(t, "bare")
	at := strike(t, ops, "begin 8", faultfs.Sync, fileNode(t, ops, ".mem"))
	ops = struck(t, "bare", faultfs.Fault{At: at, ForEver: true, Err: syscall.EIO})
	if said(ops, "hangs") != 1 {
		t.Errorf("on a dead disk bare Badger says %q", faultfs.Notes(ops))
	}
	for _, kind := range kinds {
		ops := recorded(t, kind)
		mustStop(t, faultfs.Fault{At: strike(t, ops, firstWord[kind]+" 3", faultfs.Sync, fileNode(t, ops, ".mem")), ForEver: true, Err: syscall.EIO}, kind)
	}

	suite.Need(t, mounts.Needed())
	m, err := mounts.Ext4(filepath.Join(t.TempDir(), "disk"), 16<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Remove(); err != nil {
			t.Error(err)
		}
	}()
	out, err := exec.CommandContext(t.Context(), os.Args[0], "-victim", "bare-fill", "-dir", m.At).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("SIGBUS")) {
		t.Errorf("on a full disk bare Badger ends with %v: %.2000s", err, out)
	}
}
