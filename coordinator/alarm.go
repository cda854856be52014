package coordinator

import (
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// alarm is for what waits for an operator, once it is durable. Status and lists show it for as long as it lasts; but
// somebody has to be told to look.
func (c *Core) alarm(text string) { c.alarms = append(c.alarms, text) }

// against is the alarm of a branch that does not, or may not, agree with the decision (H1, H4).
func (c *Core) against(id txc.ID, b wal.HeuristicBody) {
	c.alarm(fmt.Sprintf("%s is %s, but %s says %s: %s", id, b.Outcome, b.Participant, b.Fate, b.Why.Text))
}
