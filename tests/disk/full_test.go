package disk_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/faultfs"
	"github.com/txc-dev/txc/tests/internal/mounts"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// Sizes of the full disks.
const (
	smallDisk = 256 << 20
	minFree   = "64MiB"
	lowRoom   = 40 << 20 // below minFree: no new work
	shortRoom = 5 << 20  // below an eighth of it: the ballast goes too
	tinyDisk  = 48 << 20
	tinyRoom  = 6 << 20
	noticed   = 20 * time.Second // from a full disk to the first refusal, on a machine that does other things as well
)

// B7, C10: a coordinator whose disk fills begins nothing, says why, and finishes what runs; a participant promises nothing,
// says why, and commits what it has promised. When there is space again, both take work again.
func TestFullDisk(t *testing.T) {
	notSmall(t)
	suite.Need(t, mounts.Needed())
	o, _ := begin(t)
	t.Setenv("TXC_MIN_FREE", minFree)
	c := procs.DescribeCluster(t, []string{"bank-a", "bank-b"}, "--min-free", minFree)
	t.Cleanup(c.KillAll) // before its disks go
	hosts := hostsOf(t, c, smallDisk)
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	campaign.OpenAccounts(t, c)
	p := &pair{t: t, c: c}
	p.commits()
	p.coordinatorFills(hosts[0].disk)
	p.participantFills(hosts[1].disk)
	o.Figures["full disks"] += 2
	campaign.Audit(t, c, &p.book)
}

// pair is a cluster of two banks, and what was heard of its transfers.
type pair struct {
	t    *testing.T
	c    *procs.Cluster
	book campaign.Book
	n    int
}

func (p *pair) transfer() campaign.Transfer {
	p.n++
	return campaign.Transfer{Key: fmt.Sprintf("full-%d", p.n), Legs: []campaign.Leg{
		{Participant: "bank-a", Account: p.n % campaign.Accounts, By: -7}, {Participant: "bank-b", Account: p.n % campaign.Accounts, By: 7},
	}}
}

// run runs one transfer, and notes what was heard.
func (p *pair) run() (campaign.Told, procs.Tx) {
	p.t.Helper()
	tx := p.transfer()
	r := p.c.Txc(p.t, campaign.File(tx.Key, tx.Work()), "run", "-f", "-")
	var shown procs.Tx
	if err := r.JSON(&shown); err != nil {
		p.t.Fatalf("txc run: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	told := campaign.Told{ID: shown.ID, Why: r.Stdout}
	switch {
	case r.Code == 0:
		told.Heard = campaign.Committed
	case r.Code == 3 || r.Code == 5:
		told.Heard = campaign.Aborted
	}
	p.book.Add(campaign.Entry{Transfer: tx, Heard: told.Heard, ID: told.ID, Why: told.Why})
	return told, shown
}

// until runs transfers until one comes to what is wanted.
func (p *pair) until(what string, wanted func(told campaign.Told, tx procs.Tx) bool) {
	p.t.Helper()
	last := campaign.Told{}
	for began := time.Now(); time.Since(began) < noticed; {
		told, tx := p.run()
		if wanted(told, tx) {
			return
		}
		last = told
	}
	p.t.Fatalf("within %v no transfer %s; the last one: %s", noticed, what, last.Why)
}

func (p *pair) commits() {
	p.t.Helper()
	p.until("is committed", func(told campaign.Told, _ procs.Tx) bool { return told.Heard == campaign.Committed })
}

// open begins a transfer by hand and enlists its legs.
func (p *pair) open() (id string, tx campaign.Transfer) {
	p.t.Helper()
	tx = p.transfer()
	id = p.txc("begin", "--key", tx.Key).ID
	for _, leg := range tx.Legs {
		p.txc("enlist", id, leg.Participant, fmt.Sprintf(`[{"add":{"key":%q,"by":%d}},{"add":{"key":%q,"by":1}}]`,
			campaign.AccountKey(leg.Account), leg.By, campaign.TokenKey(tx.Key)))
	}
	return id, tx
}

// finish commits what was opened: it must.
func (p *pair) finish(id string, tx campaign.Transfer) {
	p.t.Helper()
	if got := p.txc("commit", id); got.Outcome != "committed" {
		p.t.Errorf("commit of %s, which ran: %+v", id, got)
	}
	p.book.Add(campaign.Entry{Transfer: tx, Heard: campaign.Committed, ID: id})
}

func (p *pair) txc(args ...string) (tx procs.Tx) {
	p.t.Helper()
	r := p.c.Txc(p.t, "", args...)
	if err := r.JSON(&tx); err != nil || r.Code != 0 {
		p.t.Fatalf("txc %v: code %d: %s%s", args, r.Code, r.Stdout, r.Stderr)
	}
	return tx
}

func (p *pair) coordinatorFills(disk *mounts.Mount) {
	t := p.t
	first, firstTx := p.open()
	second, secondTx := p.open()
	fill(t, disk.At, lowRoom)
	p.until("is refused as disk_low", func(_ campaign.Told, tx procs.Tx) bool { return tx.Error != nil && tx.Error.Code == "disk_low" })
	p.finish(first, firstTx)
	fill(t, disk.At, shortRoom)
	p.until("is refused as disk_low", func(_ campaign.Told, tx procs.Tx) bool { return tx.Error != nil && tx.Error.Code == "disk_low" })
	p.finish(second, secondTx)
	if _, err := os.Stat(filepath.Join(disk.At, "ballast")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ballast is still there: %v", err)
	}
	unfill(t, disk.At)
	p.commits()
}

func (p *pair) participantFills(disk *mounts.Mount) {
	t := p.t
	if code, err := p.c.Coordinator.Stop(); code != 0 || err != nil {
		t.Fatalf("stop the coordinator: code %d: %v", code, err)
	}
	if err := p.c.Coordinator.Start("--fault", "coordinator/send-commit=kill"); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), p.c); err != nil {
		t.Fatal(err)
	}
	entry := campaign.Entry{Transfer: p.transfer(), Heard: campaign.Committed} // recorded; nobody was told
	r := p.c.Txc(t, campaign.File(entry.Key, entry.Work()), "run", "-f", "-")
	if r.Code != 4 {
		t.Errorf("over a coordinator that dies before it tells: code %d: %s", r.Code, r.Stdout)
	}
	if _, err := p.c.Coordinator.Wait(noticed); err != nil {
		t.Fatal(err)
	}
	p.book.Add(entry)
	fill(t, disk.At, lowRoom)
	if err := p.c.Coordinator.Start(); err != nil {
		t.Fatal(err)
	}
	if err := campaign.Registered(t.Context(), p.c); err != nil {
		t.Fatal(err)
	}
	if heard, err := campaign.Ask(t.Context(), p.c, &entry); err != nil || heard != campaign.Committed {
		t.Errorf("what was promised before the disk filled: %v, %v", heard, err)
	}
	p.until("hears No with a reason from bank-a", func(told campaign.Told, tx procs.Tx) bool {
		return told.Heard == campaign.Aborted && tx.Reason != nil && tx.Reason.Code == "not_durable" && tx.Reason.Participant == "bank-a"
	})
	if _, err := campaign.Settle(t.Context(), p.c, time.Now(), noticed); err != nil {
		t.Error(err)
	}
	unfill(t, disk.At)
	p.commits()
}

// fill fills a disk until so many bytes are free.
func fill(t *testing.T, at string, left uint64) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(at, "filler"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	var st syscall.Statfs_t
	if err == nil {
		err = syscall.Statfs(at, &st)
	}
	if err == nil {
		err = syscall.Fallocate(int(file.Fd()), 0, info.Size(), int64(st.Bavail)*st.Bsize-int64(left))
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatalf("fill %s: %v", at, err)
	}
}

func unfill(t *testing.T, at string) {
	t.Helper()
	if err := os.Remove(filepath.Join(at, "filler")); err != nil {
		t.Fatal(err)
	}
}

// A disk that is full to the last byte, with no watermark to warn, kills the process or stops the store: when there is
// space again, everything that was told is there.
func TestFullToTheLastByte(t *testing.T) {
	suite.Need(t, mounts.Needed())
	o, _ := begin(t)
	for _, kind := range kinds {
		dir := scratch(t)
		m, err := mounts.Ext4(filepath.Join(dir, "data"), tinyDisk)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := m.Remove(); err != nil {
				t.Error(err)
			}
		})
		fill(t, m.At, tinyRoom)
		out, err := exec.CommandContext(t.Context(), os.Args[0], "-victim", kind+"-fill", "-dir", dir).CombinedOutput()
		if strings.Contains(string(out), broken) {
			t.Errorf("%s: %v: %.2000s", kind, err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, faultfs.NotesFile))
		if err != nil {
			t.Fatal(err)
		}
		said, err := toldBy(strings.Split(strings.TrimSpace(string(text)), "\n"))
		if err != nil || said.done || len(said.wrong) > 0 || len(said.ids)+len(said.fates) == 0 {
			t.Fatalf("%s says %.2000s: %v", kind, text, err)
		}
		unfill(t, m.At)
		if err := check(t.Context(), kind, m.At, said); err != nil {
			t.Errorf("%s: after %d acknowledged writes on a full disk: %v", kind, len(said.ids)+len(said.fates), err)
		}
		o.Figures["full disks"]++
	}
}
