package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

// The accounts of the story.
const (
	openAlice = 100
	openBob   = 50
)

// transferFile moves money from alice at bank-a to bob at bank-b, and notes it at the ledger.
func transferFile(n, amount int) string {
	return fmt.Sprintf(`branches:
- {participant: bank-a, kv: [{add: {key: alice, by: -%d, min: 0}}, {get: {key: alice}}]}
- {participant: bank-b, kv: [{add: {key: bob, by: %d}}, {get: {key: bob}}]}
- {participant: ledger, kv: [{check: {key: transfer-%d, exists: false}}, {put: {key: transfer-%d, value: "%d"}}]}
`, amount, amount, n, n, amount)
}

func (d *demo) openAccounts() error {
	d.title("Open two accounts: alice has %d at bank-a, bob has %d at bank-b", openAlice, openBob)
	return d.expect(console.OK, fmt.Sprintf(`branches:
- {participant: bank-a, kv: [{put: {key: alice, value: "%d"}}]}
- {participant: bank-b, kv: [{put: {key: bob, value: "%d"}}]}
`, openAlice, openBob), "run -f -")
}

func (d *demo) transfer() error {
	d.title("Move 30 from alice to bob, with a record at the ledger: three processes, one transaction")
	return d.expect(console.OK, transferFile(1, 30), "run -f -")
}

func (d *demo) overdraft() error {
	d.title("Move 500: bob's bank and the ledger could, alice's bank refuses, so nothing happens anywhere")
	if err := d.expect(console.Aborted, transferFile(2, 500), "run -f -"); err != nil {
		return err
	}
	d.say("   Nothing is left of it, at none of the three:")
	return d.expect(console.OK, `branches:
- {participant: bank-a, kv: [{get: {key: alice}}]}
- {participant: bank-b, kv: [{get: {key: bob}}]}
- {participant: ledger, kv: [{check: {key: transfer-2, exists: false}}]}
`, "run -f -")
}

// killCoordinator is the classic: everyone has promised, the decision is on the coordinator's disk, and it dies before
// it can tell anybody.
func (d *demo) killCoordinator() error {
	d.title("The worst moment: kill the coordinator after the decision is on its disk, and before anyone hears of it")
	if err := d.Stop("coordinator"); err != nil {
		return err
	}
	if err := d.startCoordinator("--fault", "coordinator/send-commit=kill"); err != nil {
		return err
	}
	if err := d.until("all participants are known to the coordinator", d.allHeard); err != nil {
		return err
	}
	type ended struct {
		stdout, stderr string
		exit           int
	}
	client := make(chan ended, 1)
	go func() { // it ends: its own time is bounded
		stdout, stderr, exit := d.call(transferFile(3, 20), "run", "-f", "-", "--key", "order-3")
		client <- ended{stdout, stderr, exit}
	}()
	if err := d.Died(d.ctx, "coordinator"); err != nil {
		<-client
		return err
	}
	d.say("   A client moves 20 and waits for the answer. The coordinator is dead (SIGKILL). The participants are in doubt,")
	d.say("   and keep their promises and their locks: nobody may guess.")
	if err := d.doubts(); err != nil {
		return err
	}
	d.say("   Start the coordinator again: it reads its log, finds the decision, and completes it. The client, which had")
	d.say("   asked again under its key all the while, hears the outcome of its first try:")
	if err := d.startCoordinator(); err != nil {
		return err
	}
	c := <-client
	d.show("run -f - --key order-3", c.stdout, c.stderr)
	if c.exit != console.OK {
		return fmt.Errorf("the client ended with exit code %d", c.exit)
	}
	if err := d.until("no branch is in doubt", d.noDoubt); err != nil {
		return err
	}
	d.say("   The timeline, before and after:")
	return d.expect(console.OK, "", "show --key order-3")
}

// doubts asks the participants themselves, the coordinator being dead.
func (d *demo) doubts() error {
	for _, name := range devParticipants {
		conn, err := dial(d.ctx, d.Address(name), defaultPatience)
		if err != nil {
			return err
		}
		check, err := txcpb.NewParticipantClient(conn).Check(d.ctx, &txcpb.CheckRequest{})
		if err = firstOf(err, conn.Close()); err != nil {
			return fmt.Errorf("ask %s what is in doubt: %w", name, err)
		}
		d.say("   | %-8s in doubt: %d, locks held: %d", name, check.GetInDoubt(), check.GetLocks())
		if check.GetInDoubt() != 1 {
			return fmt.Errorf("%s has %d branches in doubt, not 1", name, check.GetInDoubt())
		}
	}
	return nil
}

func (d *demo) noDoubt() bool {
	stdout, _, exit := d.call("", "list", "--state", "in-doubt", "-o", "json")
	var o listObject
	return exit == console.OK && json.Unmarshal([]byte(stdout), &o) == nil && len(o.Transactions)+len(o.InDoubt)+len(o.Unreachable) == 0
}

// killParticipant kills one that has promised and has just heard the decision, before it has applied it.
func (d *demo) killParticipant() error {
	d.title("Kill a participant in doubt: bank-b has promised, hears the decision, and dies before it has applied it")
	if err := d.Stop("bank-b"); err != nil {
		return err
	}
	if err := d.startParticipant("bank-b", "--fault", "participant/commit=kill"); err != nil {
		return err
	}
	if err := d.until("all participants are known to the coordinator", d.allHeard); err != nil {
		return err
	}
	if err := d.expect(console.OK, transferFile(4, 5), "run -f - --key order-4 --wait decided"); err != nil {
		return err
	}
	if err := d.Died(d.ctx, "bank-b"); err != nil {
		return err
	}
	d.say("   bank-b is dead (SIGKILL). What is unfinished, and who could not be asked:")
	if err := d.expect(console.Findings, "", "list --state in-doubt"); err != nil {
		return err
	}
	d.say("   Start bank-b again: its promise was on its disk, with everything that the commit needs.")
	if err := d.startParticipant("bank-b"); err != nil {
		return err
	}
	if err := d.until("no branch is in doubt", d.noDoubt); err != nil {
		return err
	}
	return d.expect(console.OK, "", "list")
}

// balanceOf reads an account out of a dump.
func balanceOf(data map[string]string, account string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(data[account]))
	if err != nil {
		return 0, fmt.Errorf("the balance of %s: %w", account, err)
	}
	return n, nil
}
