package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// Harm is something that is done to a process beside killing it.
type Harm string

// The harms.
const (
	Stopped Harm = "stopped" // SIGSTOP, and SIGCONT later: it was away, and does not know
	Faulty  Harm = "faulty"  // for one life, a point of its course is slow, fails or is deadly
)

// Harmed says how often processes were killed, and how often harmed otherwise.
func (c *Campaign) Harmed() (kills int, others map[Harm]int) {
	for _, n := range c.killed {
		kills += n
	}
	return kills, c.harmed
}

// disturb does so many things to processes.
func (c *Campaign) disturb(ctx context.Context, times int) error {
	if len(c.Harms) == 0 {
		return c.kill(ctx, times)
	}
	var order []int // every kind once, then again
	for times > 0 {
		if len(order) == 0 {
			order = c.rng.Perm(len(c.Harms) + 1)
		}
		which := order[0]
		order = order[1:]
		if which == len(c.Harms) {
			kills := min(times, 2)
			if err := c.kill(ctx, kills); err != nil {
				return err
			}
			times -= kills
			continue
		}
		if err := pause(ctx, c.upTo(c.Pause)); err != nil {
			return err
		}
		if err := c.harm(ctx, c.Harms[which], c.victims(1)[0]); err != nil {
			return err
		}
		c.harmed[c.Harms[which]]++
		times--
	}
	return nil
}

func (c *Campaign) harm(ctx context.Context, h Harm, s *procs.Server) error {
	switch h {
	case Stopped:
		if err := s.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		return errors.Join(pause(ctx, c.upTo(2*c.Pause)), s.Signal(syscall.SIGCONT))
	case Faulty:
		return c.fault(ctx, s)
	default:
		return fmt.Errorf("no such harm: %s", h)
	}
}

// fault gives a process one life with a failpoint. It may die of it, ready or not.
func (c *Campaign) fault(ctx context.Context, s *procs.Server) error {
	s.Kill()
	c.killed[s.Name]++
	spec := c.spec(s)
	if err := s.Start("--fault", spec); err != nil && s.Running() {
		return err
	}
	if err := pause(ctx, c.upTo(2*c.Pause)); err != nil {
		return err
	}
	s.Kill()
	c.killed[s.Name]++
	return s.Start()
}

// spec draws a point of a process, and what happens at its Nth pass.
func (c *Campaign) spec(s *procs.Server) string {
	points := participant.Points()
	if s == c.Cluster.Coordinator {
		points = coordinator.Points()
	}
	point, pass := points[c.rng.IntN(len(points))], 1+c.rng.IntN(100)
	switch c.rng.IntN(3) {
	case 0:
		return fmt.Sprintf("%s=kill@%d", point, pass)
	case 1:
		return fmt.Sprintf("%s=error@%d", point, pass)
	default:
		return fmt.Sprintf("%s=delay:%v@%d", point, time.Millisecond+c.upTo(200*time.Millisecond), pass)
	}
}

// kill kills processes one after the other, sometimes two at once, sometimes one that is only just starting.
func (c *Campaign) kill(ctx context.Context, kills int) error {
	for kills > 0 {
		if err := pause(ctx, c.upTo(c.Pause)); err != nil {
			return err
		}
		victims := c.victims(min(kills, 2))
		for _, s := range victims {
			s.Kill()
			c.killed[s.Name]++
			kills--
		}
		if err := pause(ctx, c.upTo(c.Pause/2)); err != nil {
			return err
		}
		if kills > 0 && c.rng.IntN(5) == 0 { // once more, while it recovers
			if err := victims[0].StartAndKill(c.upTo(c.Pause / 2)); err != nil {
				return err
			}
			c.killed[victims[0].Name]++
			kills--
		}
		for _, s := range victims {
			if err := s.Start(); err != nil {
				return err
			}
		}
	}
	return nil
}

// victims are one process, or sometimes two, the coordinator as often as any two participants.
func (c *Campaign) victims(most int) []*procs.Server {
	all := append(c.Cluster.Nodes(), c.Cluster.Coordinator)
	n := 1
	if most > 1 && c.rng.IntN(4) == 0 {
		n = 2
	}
	var chosen []*procs.Server
	for len(chosen) < n {
		s := all[c.rng.IntN(len(all))]
		if !slices.Contains(chosen, s) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}
