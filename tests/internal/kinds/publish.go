package kinds

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// A broker keeps no accounts: each operation is a message, and whoever reads them all in their order knows what the accounts
// hold. nowhere is an address that does not exist: what a branch that must be refused publishes to.
func publications(ops []campaign.Op, to, nowhere string) any {
	var all []map[string]any
	publish := func(to, body string) { all = append(all, map[string]any{"to": to, "body": body}) }
	for _, op := range ops {
		switch {
		case op.Put != nil:
			publish(to, "put "+op.Put.Key+" "+op.Put.Value)
		case op.Add != nil && op.Add.Min != nil && *op.Add.Min > impossible:
			publish(nowhere, "add "+op.Add.Key+" 0")
		case op.Add != nil:
			publish(to, fmt.Sprintf("add %s %d", op.Add.Key, op.Add.By))
		default:
			panic("these operations only write")
		}
	}
	return all
}

// impossible is more than any account holds.
const impossible = 1 << 30

// consumed is what a consumer that drops duplicates makes of the messages.
type consumed struct {
	sums map[string]int64
	seen map[string]bool
}

func newConsumed() *consumed { return &consumed{map[string]int64{}, map[string]bool{}} }

// take takes one message, unless it had it before.
func (c *consumed) take(id, body string) error {
	if id == "" {
		return fmt.Errorf("a message without an id: %q", body)
	}
	if c.seen[id] {
		return nil
	}
	c.seen[id] = true
	words := strings.Fields(body)
	if len(words) != 3 {
		return fmt.Errorf("a strange message: %q", body)
	}
	n, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return fmt.Errorf("a strange message: %q", body)
	}
	if words[0] == "put" {
		c.sums[words[1]] = 0
	}
	c.sums[words[1]] += n
	return nil
}

// dump adds them to what the participant itself has staged.
func (c *consumed) dump(staged procs.Dump) procs.Dump {
	staged.Data = map[string]string{}
	for key, n := range c.sums {
		staged.Data[key] = strconv.FormatInt(n, 10)
	}
	return staged
}
