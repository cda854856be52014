package crash_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// Bounds of a course.
const (
	passLimit   = 20 * time.Second // until a step has come about, or the armed point is passed
	deathLimit  = 10 * time.Second // from a kill's pass to the end of the process
	endLimit    = 20 * time.Second // from what makes a process stop itself to its end
	settleLimit = 5 * time.Second  // V17: nothing is in doubt, once everything is up
	afterLimit  = 30 * time.Second // for what a person does
	look        = 20 * time.Millisecond
	stillFor    = 2500 * time.Millisecond // longer than a transaction's time
	longStill   = 17 * time.Second        // longer than a silent link is kept
)

// course is one row, as it goes.
type course struct {
	*town
	ctx    context.Context
	now    context.Context // of commands whose answer is of no interest once the victim has passed its point
	row    row
	victim *procs.Server
	armed  atomic.Bool // with the row's fault
	again  string      // the point at which it is to die once more, while that is armed
	turn   int
	txs    map[string]*tx
	back   bool            // a participant that was removed has been started again
	tooled []*procs.Server // they were started with what the scenario needed
}

// txc runs a command whose answer is of no interest once the victim has passed its point.
func (c *course) txc(args ...string) procs.Result {
	return procs.RunContext(c.now, c.cluster.TxcPath(), "", c.cluster.Args(args...)...)
}

// watch has c.now end as soon as the fault has struck; the returned function has it last as long as the row again.
func (c *course) watch(struck func() bool) (stop func()) {
	now, cancel := context.WithCancel(c.ctx)
	c.now = now
	var watching sync.WaitGroup
	watching.Go(func() {
		for !struck() && c.rest(now, look) == nil {
		}
		cancel()
	})
	return func() {
		cancel()
		watching.Wait()
		c.now = c.ctx
	}
}

// serving reports whether the coordinator listens: a command would wait for that for seconds.
func (c *course) serving() bool {
	conn, err := net.DialTimeout("tcp", c.cluster.Coordinator.Address, time.Second)
	if err == nil {
		err = conn.Close()
	}
	return err == nil
}

// passed reports whether the victim has passed the armed point.
func (c *course) passed() bool { return c.armed.Load() && saidFault(c.victim, c.row.point) }

// killedAgain reports whether the second kill has come.
func (c *course) killedAgain() bool { return c.again != "" && saidFault(c.victim, c.again) }

func saidFault(s *procs.Server, point string) bool {
	said, err := s.Said()
	return err == nil && strings.Contains(said, faultLine(point))
}

func faultLine(point string) string { return "msg=fault point=" + point + " " }

// await waits until something has come about, or the armed point is passed.
func (c *course) await(what string, ok func() (bool, error)) error {
	for began := time.Now(); !c.passed(); {
		done, err := ok()
		if done || err != nil {
			return err
		}
		if c.armed.Load() && !c.victim.Running() && !c.passed() {
			return fmt.Errorf("%s: %s ended by itself\n%s", what, c.victim.Name, c.victim.LogEnd())
		}
		if time.Since(began) > passLimit {
			return fmt.Errorf("%s: not within %v: %.3000s", what, passLimit, c.txc("list").Stdout)
		}
		if err := c.rest(c.ctx, look); err != nil {
			return err
		}
	}
	return nil
}

func (c *course) rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// strike goes on until the armed point is passed.
func (c *course) strike() error {
	defer c.watch(c.passed)()
	for i, s := range c.row.use.scenario.steps {
		err := s(c)
		if c.passed() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	never := func() (bool, error) { return false, nil }
	if err := c.await(c.row.point+" is passed", never); err != nil {
		return fmt.Errorf("%w: is there another scenario that passes it?", err)
	}
	return nil
}

// suffer sees the fault act.
func (c *course) suffer() error {
	switch deed, _, _ := strings.Cut(c.row.deed, ":"); deed {
	case "kill":
		return c.died(c.victim)
	case "stop":
		if err := c.until(deathLimit, "it stands still", c.victim.Stopped); err != nil {
			return err
		}
		still := stillFor
		if c.row.long {
			still = longStill
		}
		return c.rest(c.ctx, still)
	case "error":
		return c.stopsItself()
	default:
		return nil
	}
}

// died waits for the SIGKILL that the process gave itself.
func (c *course) died(s *procs.Server) error {
	code, err := s.Wait(deathLimit)
	if err != nil || code != -1 {
		return fmt.Errorf("%s passed the point and ended with code %d: %w", s.Name, code, err)
	}
	return nil
}

// stopsItself: what the coordinator's log may have failed to keep ends it (C3); nothing else that fails ends a process.
func (c *course) stopsItself() error {
	ends := strings.HasPrefix(c.row.point, "coordinator/append-") || c.row.point == "coordinator/durable"
	if !ends {
		return nil
	}
	if code, err := c.victim.Wait(endLimit); err != nil || code != 9 {
		return fmt.Errorf("C3: after an append of unknown fate it ended with code %d: %w", code, err)
	}
	return nil
}

func (c *course) until(limit time.Duration, what string, ok func() bool) error {
	for began := time.Now(); !ok(); {
		if time.Since(began) > limit {
			return fmt.Errorf("%s: not within %v", what, limit)
		}
		if err := c.rest(c.ctx, look); err != nil {
			return err
		}
	}
	return nil
}

// heal brings everything but the victim up again.
func (c *course) heal() error {
	for _, s := range c.tooled { // before others go on: they may send what makes it stand still, and then it does not end
		if s == c.victim {
			continue
		}
		if err := resume(s); err != nil {
			return err
		}
		if err := stopNow(s); err != nil {
			return err
		}
	}
	for _, s := range c.cluster.Nodes() {
		if err := resume(s); err != nil {
			return err
		}
	}
	for _, s := range c.cluster.Nodes() {
		if s != c.victim && !s.Running() {
			if err := c.bringUp(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// bringUp starts a process and waits until it is ready. A coordinator with an old copy of its log may end before that.
func (c *course) bringUp(s *procs.Server, extra ...string) error {
	if s == c.cluster.Coordinator && c.row.use.scenario.lost {
		return s.Launch(extra...)
	}
	return s.Start(extra...)
}

// finish lets a person do what is left to do, and waits until nothing is in doubt; or until the victim was killed again.
func (c *course) finish() error {
	up := time.Now()
	if after := c.row.use.scenario.after; after != nil {
		for !c.killedAgain() {
			err := after(c)
			if err == nil {
				break
			}
			if time.Since(up) > afterLimit {
				return fmt.Errorf("afterwards: %w", err)
			}
			if err := c.rest(c.ctx, 5*look); err != nil {
				return err
			}
		}
		up = time.Now()
	}
	if err := c.settled(up); err != nil {
		return err
	}
	if err := c.clientsTold(); err != nil { // some try again under their key
		return err
	}
	return c.settled(time.Now())
}

// settled waits until nothing is in doubt.
func (c *course) settled(up time.Time) error {
	for !c.killedAgain() {
		err := errors.New("the coordinator does not serve")
		if c.serving() {
			var took time.Duration
			if took, err = campaign.Settle(c.now, c.cluster, up, 0); err == nil {
				c.slowest(took)
				return nil
			}
		}
		if time.Since(up) > settleLimit && !c.killedAgain() {
			return err
		}
		if err := c.rest(c.ctx, look); err != nil {
			return err
		}
	}
	return nil
}

func (c *course) clientsTold() error {
	for name, t := range c.txs {
		if !t.waiting && t.id != "" {
			c.txc("abort", t.id, "--reason", why) // opened, and left alone
		}
		told := func() bool { done, _ := t.heard(); return done || c.killedAgain() }
		if err := c.until(clientLimit, "the client of "+name+" is told", told); err != nil {
			return err
		}
	}
	return nil
}

// ask notes how each transaction ended, and compares that with what its client was told.
func (c *course) ask() error {
	var all error
	for name, t := range c.txs {
		e := campaign.Entry{Transfer: t.Transfer, Heard: t.over.Heard, ID: t.id, Why: t.over.Why}
		if t.over.Odd != "" {
			all = errors.Join(all, fmt.Errorf("%s: odd: %s", name, t.over.Odd))
		}
		if !c.row.use.scenario.lost || e.Heard != campaign.Committed {
			heard, err := campaign.Ask(c.ctx, c.cluster, &e)
			if err != nil {
				all = errors.Join(all, err)
			}
			if e.Heard != campaign.Unknown && e.Heard != heard {
				all = errors.Join(all, fmt.Errorf("%s: the client heard %s, and later %s", name, e.Heard, heard))
			}
			e.Heard = heard
		}
		if want := c.row.use.want; want != anyEnd && name == "t" && e.Heard != want {
			all = errors.Join(all, fmt.Errorf("%s is %s, not %s", name, e.Heard, want))
		}
		c.book.Add(e)
	}
	return all
}
