package crash_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// step is one thing that happens. Its error counts only if the armed point has not been passed meanwhile.
type step func(c *course) error

func steps(all ...step) []step { return all }

// arm starts the victim anew, with the row's fault.
func arm(extra ...string) step {
	return func(c *course) error {
		if err := stopNow(c.victim); err != nil {
			return err
		}
		if err := c.victim.Launch(append(extra, "--fault", c.row.fault())...); err != nil {
			return err
		}
		c.armed.Store(true) // not before: its last start may have passed the point as well
		return nil
	}
}

// tool starts a process anew with a fault that the scenario needs.
func tool(name, fault string) step {
	return func(c *course) error {
		s := c.server(name)
		if err := stopNow(s); err != nil {
			return err
		}
		c.tooled = append(c.tooled, s)
		return s.Start("--fault", fault)
	}
}

// stopNow ends a process as an operator does.
func stopNow(s *procs.Server) error {
	if !s.Running() {
		return nil
	}
	if code, err := s.Stop(); err != nil || code != 0 {
		return fmt.Errorf("%s ended with code %d at SIGTERM: %w", s.Name, code, err)
	}
	return nil
}

func start(name string) step { return func(c *course) error { return c.server(name).Start() } }

// launch starts a process that may end by itself at once.
func launch(name string) step { return func(c *course) error { return c.server(name).Launch() } }

func stop(name string) step { return func(c *course) error { return stopNow(c.server(name)) } }

func kill(name string) step {
	return func(c *course) error {
		c.server(name).Kill()
		return nil
	}
}

func dies(name string) step {
	return func(c *course) error {
		return c.await(name+" dies", func() (bool, error) { return !c.server(name).Running(), nil })
	}
}

func stopped(name string) step {
	return func(c *course) error {
		return c.await(name+" stands still", func() (bool, error) { return c.server(name).Stopped(), nil })
	}
}

// registered waits until the coordinator has heard every participant.
func registered(c *course) error {
	return c.await("everybody is heard", func() (bool, error) {
		return c.allHeard() == nil, nil // it may not serve yet
	})
}

// move has a participant be reached under another name of its host.
func move(name string) step {
	return func(c *course) error {
		s := c.server(name)
		if err := stopNow(s); err != nil {
			return err
		}
		c.tooled = append(c.tooled, s)
		return s.Start("--advertise", "localhost"+s.Address[len("127.0.0.1"):])
	}
}

func copyLog(c *course) error {
	return os.CopyFS(c.oldLog(), os.DirFS(c.cluster.CoordinatorData()))
}

// oldLog puts the copy in the place of the log.
func oldLog(c *course) error {
	return errors.Join(
		os.RemoveAll(c.cluster.CoordinatorData()),
		os.CopyFS(c.cluster.CoordinatorData(), os.DirFS(c.oldLog())),
		os.RemoveAll(c.oldLog()),
		os.Chmod(c.cluster.CoordinatorData(), 0o700),
	)
}

func (c *course) oldLog() string {
	return filepath.Join(c.cluster.Dir, fmt.Sprintf("copy-%d", c.turn))
}

const why = "told to by the test"

// lossAccepted goes on where the log was found to be an old copy.
func lossAccepted(c *course) error {
	if !c.cluster.Coordinator.Running() {
		if c.killedAgain() {
			return errors.New("it was killed again")
		}
		if err := c.cluster.Coordinator.Start(); err != nil {
			return err
		}
	}
	r := c.txc("status")
	var status struct {
		State string `json:"state"`
	}
	if err := r.JSON(&status); err != nil {
		return fmt.Errorf("status: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	if status.State == "serving" {
		return c.allHeard() // what a participant has seen may still be about to be found
	}
	if r = c.txc("accept", "loss", "--reason", why); r.Code != 0 {
		return fmt.Errorf("accept loss while %s: code %d: %s%s", status.State, r.Code, r.Stdout, r.Stderr)
	}
	if code, err := c.cluster.Coordinator.Wait(endLimit); err != nil || code != 9 {
		return fmt.Errorf("after a loss was accepted the coordinator ended with code %d: %w", code, err)
	}
	return errors.New("the loss was just accepted")
}

func (c *course) allHeard() error {
	states, err := c.states()
	for name, s := range states {
		if s != "heard" {
			err = errors.Join(err, fmt.Errorf("%s is %s", name, s))
		}
	}
	return err
}

func remove(name string) step {
	return func(c *course) error {
		if r := c.txc("participants", "remove", name, "--reason", why); r.Code != 0 {
			return fmt.Errorf("remove: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
		}
		return c.await(name+" is removed", func() (bool, error) {
			all, err := c.states()
			return err == nil && all[name] == "removed", err
		})
	}
}

// removedAndBack carries a removal through, however far it came, and has the participant register again, which it does at
// a start.
func removedAndBack(name string) step {
	return func(c *course) error {
		all, err := c.states()
		if err != nil {
			return err
		}
		switch {
		case all[name] == "heard" && c.back:
			return nil
		case all[name] == "heard":
			err = remove(name)(c)
		case all[name] == "removed" && !c.back:
			c.back = true
			err = errors.Join(stopNow(c.server(name)), c.server(name).Start())
		}
		return errors.Join(err, fmt.Errorf("%s was %s", name, all[name]))
	}
}

func (c *course) states() (map[string]string, error) {
	if !c.serving() {
		return nil, errors.New("the coordinator does not serve")
	}
	r := c.txc("participants")
	var all struct {
		Participants []campaign.Participant `json:"participants"`
	}
	if err := r.JSON(&all); err != nil {
		return nil, fmt.Errorf("participants: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	if len(all.Participants) != len(c.cluster.Participants) {
		return nil, fmt.Errorf("participants: %d are listed: %s", len(all.Participants), r.Stdout)
	}
	states := map[string]string{}
	for _, p := range all.Participants {
		states[p.Name] = p.State
	}
	return states, nil
}

// resolve tells the coordinator how the victim's branch has ended.
func resolve(tx, outcome string) step {
	return func(c *course) error { return c.settledBy(tx, "resolve", c.txs[tx].id, "--outcome", outcome) }
}

// settle settles the branch at the participant itself.
func settle(tx, outcome string) step {
	return func(c *course) error {
		if outcome == "abort" {
			i := slices.IndexFunc(c.txs[tx].Legs, func(l campaign.Leg) bool { return l.Participant == victim })
			c.txs[tx].Legs[i].Against = true
		}
		return c.settledBy(tx, "resolve", c.txs[tx].id, "--at", c.server(victim).Address, "--outcome", outcome)
	}
}

func (c *course) settledBy(tx string, args ...string) error {
	if r := c.txc(append(args, "--participant", victim, "--reason", why)...); r.Code != 0 && r.Code != 7 {
		return fmt.Errorf("%v: code %d: %s%s", args, r.Code, r.Stdout, r.Stderr)
	}
	return nil
}

// acknowledged takes a heuristic off the list, if there is one.
func acknowledged(tx string) step {
	return func(c *course) error {
		shown, err := c.show(tx)
		if err != nil {
			return err
		}
		againstDecision := slices.ContainsFunc(c.txs[tx].Legs, func(l campaign.Leg) bool { return l.Against })
		if shown.Heuristic == "none" && againstDecision {
			return fmt.Errorf("%s: a branch was settled against the decision, and that is not reported", shown.ID)
		}
		if shown.Heuristic == "none" {
			return nil
		}
		r := c.txc("acknowledge", c.txs[tx].id, "--reason", why)
		var said procs.Tx
		if done := r.JSON(&said) == nil && said.Error != nil && said.Error.Code == "wrong_state"; r.Code != 0 && !done {
			return fmt.Errorf("acknowledge: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
		}
		return nil // now, or before a second kill
	}
}
