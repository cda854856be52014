package blackbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// anyEnd says that either end is right, as long as it is the same everywhere: the client tries again under its key.
const anyEnd = campaign.Heard(255)

// A process that dies at a point of its course leaves what it leaves; with all up again, every branch ends as the
// decision says, and the client's word holds.
var faultRows = []struct {
	at, point string
	aborting  bool // one branch votes No
	want      campaign.Heard
	proves    string
}{
	{"coordinator", "send-prepare", false, anyEnd, "before anybody was asked nothing has happened"},
	{"coordinator", "receive-vote", false, anyEnd, "C9: promises of a transaction without a decision are found and aborted"},
	{"coordinator", "append-commit", false, anyEnd, "C1: before the record is durable nobody has heard of a commit"},
	{"coordinator", "send-commit", false, campaign.Committed, "C1: a durable decision that nobody has heard is carried out"},
	{"coordinator", "receive-fate", false, campaign.Committed, "P7: an acknowledgement that was lost is given again"},
	{"coordinator", "append-end", false, campaign.Committed, "the end may be lost: it costs repeated messages and no more"},
	{"coordinator", "send-abort", true, campaign.Aborted, "P2: whoever misses an abort asks for it"},
	{"bank-b", "receive-prepare", false, anyEnd, "a vote that never comes is a No that is not certain"},
	{"bank-b", "prepare-written", false, anyEnd, "P1: a promise that nobody heard of is shown after the restart, and ended"},
	{"bank-b", "send-vote", false, anyEnd, "P1: the same, one step later"},
	{"bank-b", "receive-commit", false, campaign.Committed, "P2: in doubt, it learns the decision after its restart"},
	{"bank-b", "commit", false, campaign.Committed, "P11: the promise stays until the commit is applied"},
	{"bank-b", "commit-written", false, campaign.Committed, "P7: applied and unanswered, it is not applied twice"},
	{"bank-b", "send-fate", false, campaign.Committed, "P7: the same, one step later"},
	{"bank-b", "receive-abort", true, campaign.Aborted, "P2: an abort that was lost is asked for, or forgotten with the start that worked on it"},
}

func TestKilledAtAPoint(t *testing.T) {
	t.Parallel()
	c := procs.NewCluster(t, []string{"bank-a", "bank-b"})
	campaign.OpenAccounts(t, c)
	var book campaign.Book
	for i, row := range faultRows {
		entry, ok := killedAt(t, c, i)
		book.Add(entry)
		if !ok {
			t.Fatalf("%s at %s: %s", row.at, row.point, row.proves)
		}
		if row.want != anyEnd && entry.Heard != row.want {
			t.Errorf("%s at %s: %s: it is %s, not %s", row.at, row.point, row.proves, entry.Heard, row.want)
		}
	}
	audit(t, c, &book)
}

// killedAt runs one transfer, in the course of which one process kills itself, and brings everything up again.
func killedAt(t *testing.T, c *procs.Cluster, i int) (campaign.Entry, bool) {
	t.Helper()
	row := faultRows[i]
	victim, kind := c.Coordinator, "coordinator"
	if row.at != "coordinator" {
		victim, kind = c.Participant(row.at), "participant"
	}
	tx := campaign.Transfer{Key: "fault-" + strings.ReplaceAll(row.at+"-"+row.point, "/", "-"), Legs: []campaign.Leg{
		{Participant: "bank-a", Account: i % campaign.Accounts, By: -10, Impossible: row.aborting},
		{Participant: "bank-b", Account: i % campaign.Accounts, By: 10},
	}}
	entry := campaign.Entry{Transfer: tx}
	failed := func(err error) (campaign.Entry, bool) {
		t.Error(err)
		return entry, false
	}
	if code, err := victim.Stop(); code != 0 || err != nil {
		return failed(fmt.Errorf("stop %s: code %d: %w", row.at, code, err))
	}
	if err := victim.Start("--fault", kind+"/"+row.point+"=kill"); err != nil {
		return failed(err)
	}
	if err := campaign.Registered(t.Context(), c); err != nil {
		return failed(err)
	}
	ended := make(chan campaign.Told, 1)
	go func() { ended <- campaign.CLI{Cluster: c}.Run(t.Context(), tx.Key, tx.Work()) }()
	if _, err := victim.Wait(20 * time.Second); err != nil {
		return failed(err) // the point was never passed
	}
	if err := victim.Start(); err != nil {
		return failed(err)
	}
	if _, err := campaign.Settle(t.Context(), c, time.Now(), settleLimit); err != nil {
		return failed(err)
	}
	told := <-ended
	if told.Odd != "" {
		t.Error(told.Odd)
	}
	entry.ID, entry.Heard = told.ID, told.Heard
	heard, err := campaign.Ask(t.Context(), c, &entry)
	if err != nil {
		return failed(err)
	}
	if told.Heard != campaign.Unknown && told.Heard != heard {
		t.Errorf("%s at %s: the client heard %s, and later %s", row.at, row.point, told.Heard, heard)
	}
	entry.Heard = heard
	return entry, true
}
