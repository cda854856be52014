package crash_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// tx is a transaction of a course, and what its client is told.
type tx struct {
	campaign.Transfer
	id      string
	waiting bool               // a client waits for its end
	told    chan campaign.Told // one, if so
	over    *campaign.Told     // what came of it
}

// amount is what a transfer moves.
const amount = 5

func (c *course) add(name string, legs []campaign.Leg) *tx {
	t := &tx{Transfer: campaign.Transfer{Key: fmt.Sprintf("%d-%s", c.turn, name), Legs: legs}, told: make(chan campaign.Told, 1)}
	c.txs[name] = t
	return t
}

// account is this row's: what the rows before it left undone would be in its way only after the last account.
func (c *course) account() int { return c.turn % campaign.Accounts }

// begin has a client run a transfer in one go; it is not waited for.
func begin(name string) step {
	return func(c *course) error {
		c.run(c.add(name, legs(c.account(), amount)))
		return nil
	}
}

// beginImpossible is begin for one whose other branch says No.
func beginImpossible(name string) step {
	return func(c *course) error {
		all := legs(c.account(), amount)
		all[0].Impossible = true
		c.run(c.add(name, all))
		return nil
	}
}

// beginCrowd is begin on every account at once.
func beginCrowd(c *course) error {
	for i := range campaign.Accounts {
		c.run(c.add(fmt.Sprintf("t%d", i), legs(i, amount)))
	}
	return nil
}

func crowdEnded(c *course) error {
	for name := range c.txs {
		if err := ended(name)(c); err != nil || c.passed() {
			return err
		}
	}
	return nil
}

func (c *course) run(t *tx) {
	t.waiting = true
	go func() {
		r := procs.RunContext(c.ctx, c.cluster.TxcPath(), c.speech.File(t.Key, t.Work()), c.cluster.Args("run", "-f", "-")...)
		t.told <- c.meaning(r)
	}()
}

// open begins a transaction by hand, with a branch at the victim alone.
func open(name string) step {
	return func(c *course) error {
		return c.begun(c.add(name, []campaign.Leg{{Participant: victim, Account: c.account()}}))
	}
}

// beginByHand does the same as begin in steps, so that the id is known. Nothing is moved: what a branch that is settled
// against the decision leaves out is its count alone.
func beginByHand(name string) step {
	return func(c *course) error {
		if err := c.begun(c.add(name, legs(c.account(), 0))); err != nil {
			return err
		}
		return commitOpen(name)(c)
	}
}

// beginForDecision is beginByHand for a client that wants to hear of the decision and no more.
func beginForDecision(name string) step {
	return func(c *course) error {
		if err := c.begun(c.add(name, legs(c.account(), 0))); err != nil {
			return err
		}
		return commitOpen(name, "--wait", "decided")(c)
	}
}

// handTime is that of transactions begun by hand: what they wait for comes first.
const handTime = "30s"

func (c *course) begun(t *tx) error {
	r := c.txc("begin", "--timeout", handTime, "--key", t.Key)
	var shown procs.Tx
	if err := r.JSON(&shown); err != nil || r.Code != 0 {
		return fmt.Errorf("begin: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	t.id = shown.ID
	for name, ops := range t.Work() {
		section, content := c.speech.Branch(name, ops)
		text, err := json.Marshal(map[string]any{section: content})
		if err == nil {
			r = c.txc("enlist", t.id, name, string(text))
		}
		if err != nil || r.Code != 0 {
			return fmt.Errorf("enlist: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
		}
	}
	return nil
}

func commitOpen(name string, how ...string) step {
	return func(c *course) error {
		t := c.txs[name]
		t.waiting = true
		go func() {
			t.told <- c.meaning(procs.RunContext(c.ctx, c.cluster.TxcPath(), "", c.cluster.Args(append([]string{"commit", t.id}, how...)...)...))
		}()
		return nil
	}
}

func giveUp(name string) step {
	return func(c *course) error {
		if r := c.txc("abort", c.txs[name].id, "--reason", why); r.Code != 0 {
			return fmt.Errorf("abort: code %d: %s%s", r.Code, r.Stdout, r.Stderr)
		}
		return nil
	}
}

// meaning is what a client was told by `run` or `commit`.
func (c *course) meaning(r procs.Result) campaign.Told {
	var shown procs.Tx
	told := campaign.Told{Why: fmt.Sprintf("txc %v: code %d: %s%s", r.Args, r.Code, r.Stdout, r.Stderr)}
	err := r.JSON(&shown)
	told.ID = shown.ID
	switch {
	case c.ctx.Err() != nil: // cut off
	case err != nil:
		told.Odd = told.Why
	case r.Code == 0 && shown.Outcome == "committed", r.Code == 7 && shown.Outcome == "committed" && c.row.use.scenario.mixed:
		told.Heard = campaign.Committed
	case r.Code == 3 && shown.Outcome == "aborted":
		told.Heard = campaign.Aborted
	case r.Code == 5 && shown.Error != nil && r.Args[0] == "run":
		told.Heard = campaign.Aborted // nothing was begun
	case r.Code == 4:
	default:
		told.Odd = told.Why
	}
	return told
}

// ended waits until a client has been told something.
func ended(name string) step {
	return func(c *course) error { return c.await("the client of "+name+" is told", c.txs[name].heard) }
}

func (t *tx) heard() (bool, error) {
	if t.over != nil {
		return true, nil
	}
	if !t.waiting { // begun by hand, and nobody asked for its end
		t.over = &campaign.Told{ID: t.id}
		return true, nil
	}
	select {
	case told := <-t.told:
		t.over = &told
		if told.ID != "" {
			t.id = told.ID
		}
		return true, nil
	default:
		return false, nil
	}
}

// maxMore bounds the transactions that pass.
const maxMore = 60

// more runs transfers, one after the other, until the point is passed.
func more(c *course) error {
	for i := range maxMore {
		name := fmt.Sprintf("t%d", i)
		if err := begin(name)(c); err != nil {
			return err
		}
		if err := ended(name)(c); err != nil || c.passed() {
			return err
		}
	}
	return nil
}

func (c *course) show(name string) (procs.Tx, error) {
	var shown procs.Tx
	args := []string{"show", "--key", c.txs[name].Key}
	if id := c.txs[name].id; id != "" {
		args = []string{"show", id}
	}
	r := c.txc(args...)
	if err := r.JSON(&shown); err != nil || r.Code != 0 {
		return shown, fmt.Errorf("%v: code %d: %s%s", args, r.Code, r.Stdout, r.Stderr)
	}
	return shown, nil
}

func state(name, want string) step {
	return func(c *course) error {
		return c.await(name+" is "+want, func() (bool, error) {
			shown, err := c.show(name)
			return err == nil && shown.State == want, nil
		})
	}
}

func votes(name, participant, want string) step {
	return func(c *course) error {
		return c.await(participant+" votes "+want, func() (bool, error) {
			shown, err := c.show(name)
			if err != nil {
				return false, nil // it may not have begun yet
			}
			for _, b := range shown.Branches {
				if b.Participant == participant && b.Vote == want {
					return true, nil
				}
			}
			return false, nil
		})
	}
}

// clientLimit bounds what a client may wait for its answer once everything is up: its own patience.
const clientLimit = 40 * time.Second
