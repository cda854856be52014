package disk_test

import (
	"bufio"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/mounts"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// Sizes and pauses of the campaign with power cuts.
const (
	hostDisk  = 1 << 30                // bytes, most of them holes
	cutPause  = 700 * time.Millisecond // at most so long between two cuts
	deadPause = 200 * time.Millisecond // at most so long processes live on over dead disks
)

// host is a process and its disk.
type host struct {
	server *procs.Server
	disk   *mounts.Mount
}

// V1, V5, V6: transfers run over a coordinator and participants with a real file system each, and the power is cut: of all, of
// one, of two. Then every transfer that was told committed is there, of every other nothing is, and nothing is in doubt.
func TestPowerCutsUnderLoad(t *testing.T) {
	notSmall(t)
	suite.Need(t, mounts.Needed())
	o, draw := begin(t)
	cutsBite(t, o)
	c := procs.DescribeCluster(t, []string{"bank-a", "bank-b", "bank-c"})
	t.Cleanup(c.KillAll) // before its disks go
	hosts := hostsOf(t, c, hostDisk)
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	campaign.OpenAccounts(t, c)
	cuts := map[suite.Size]int{suite.CI: 6, suite.All: 60}[*size]
	library := campaign.NewLibrary(t, c)
	run := campaign.New(c, campaign.Config{
		Seed: *seed, Kills: cuts, Pause: cutPause, Rounds: 1 + cuts/4, Library: &library,
		Runners: []campaign.Runner{campaign.CLI{Cluster: c}, library, library, library, library, library, library},
		Readers: []campaign.Runner{library},
		Hurt:    func(ctx context.Context, times int) error { return cutPower(ctx, o, draw, hosts, times) },
	})
	run.Run(t)
	committed, aborted, unknown, _ := run.Book.Counts()
	o.Figures["transfers over power cuts"] += committed + aborted + unknown
	campaign.Audit(t, c, &run.Book)
}

// hostsOf gives every process a disk of its own, which ends with the test.
func hostsOf(t *testing.T, c *procs.Cluster, size int64) (all []host) {
	t.Helper()
	for _, s := range c.Nodes() {
		at := c.CoordinatorData()
		if s != c.Coordinator {
			at = c.Data(s.Name)
		}
		m, err := mounts.Ext4(at, size)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			c.KillAll()
			if err := m.Remove(); err != nil {
				t.Error(err)
			}
		})
		all = append(all, host{s, m})
	}
	return all
}

// cutPower cuts the power so many times, sometimes once more while what was cut comes up.
func cutPower(ctx context.Context, o *suite.Outcome, draw *rand.Rand, hosts []host, times int) error {
	for range times {
		if err := rest(ctx, draw, cutPause); err != nil {
			return err
		}
		victims := hosts
		if draw.IntN(3) > 0 { // not the whole machine
			victims = nil
			for _, i := range draw.Perm(len(hosts))[:1+draw.IntN(2)] {
				victims = append(victims, hosts[i])
			}
		}
		if err := outage(ctx, o, draw, victims); err != nil {
			return err
		}
		for _, v := range victims {
			if draw.IntN(4) > 0 {
				continue
			}
			if err := v.server.StartAndKill(time.Duration(draw.Int64N(int64(deadPause)))); err != nil {
				return err
			}
			if err := outage(ctx, o, draw, []host{v}); err != nil {
				return err
			}
		}
		for _, v := range victims {
			if err := v.server.Start(); err != nil {
				return err
			}
		}
	}
	return nil
}

// outage cuts the power of hosts: first of the disks, then of the processes, as it is for data that is on its way.
func outage(ctx context.Context, o *suite.Outcome, draw *rand.Rand, victims []host) error {
	for _, v := range victims {
		if err := v.disk.Cut(); err != nil {
			return err
		}
		o.Figures["power cuts"]++
	}
	if err := rest(ctx, draw, deadPause); err != nil {
		return err
	}
	for _, v := range victims {
		v.server.Kill()
		if err := errors.Join(v.disk.Unmount(), v.disk.Mount()); err != nil {
			return err
		}
	}
	return nil
}

// rest waits for a drawn time: that is what is drawn, when a cut strikes.
func rest(ctx context.Context, draw *rand.Rand, most time.Duration) error {
	timer := time.NewTimer(time.Duration(draw.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cutsBite is the positive control: of a bare Badger that does not sync, a cut must take something; of one that syncs,
// nothing.
func cutsBite(t *testing.T, o *suite.Outcome) {
	t.Helper()
	for _, sync := range []bool{false, true} {
		if left := afterCut(t, sync); (left == bareWrites) != sync {
			t.Errorf("of %d writes to a bare Badger, SyncWrites %v, a power cut leaves %d", bareWrites, sync, left)
		}
		o.Figures["controls"]++
	}
}

// afterCut writes to a bare Badger, cuts the power, and counts what is there.
func afterCut(t *testing.T, sync bool) (left int) {
	t.Helper()
	m, err := mounts.Ext4(filepath.Join(t.TempDir(), "disk"), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Remove(); err != nil {
			t.Error(err)
		}
	}()
	kind := "bare-unsynced"
	if sync {
		kind = "bare-synced"
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-victim", kind, "-dir", m.At)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err := errors.Join(err, m.Cut(), cmd.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if err := errors.Join(m.Unmount(), m.Mount()); err != nil {
		t.Fatal(err)
	}
	return bareLeft(t, filepath.Join(m.At, "data"), bareWrites)
}
