package polyglot_test

import (
	"flag"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

var (
	seed  = suite.SeedFlag()
	kills = flag.Int("kills", 6, "processes that the campaign kills")
)

// settleLimit is how long anything may be in doubt once all processes are up.
const settleLimit = 5 * time.Second

// system is a coordinator, two key-value participants, and the participant in JavaScript, all up and with money.
func system(t *testing.T) (*procs.Cluster, *foreign) {
	t.Helper()
	c := procs.DescribeCluster(t, []string{"bank-a", "bank-b"})
	f := join(t, c, "points")
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	campaign.OpenAccounts(t, c)
	return c, f
}

// audit waits until nothing is in doubt, kills everything, and compares the stores with the book.
func audit(t *testing.T, c *procs.Cluster, f *foreign, book *campaign.Book) {
	t.Helper()
	if _, err := campaign.Settle(t.Context(), c, time.Now(), settleLimit); err != nil {
		t.Error(err)
	}
	c.KillAll()
	stores := map[string]procs.Dump{f.Name: f.dump(t)}
	for _, name := range []string{"bank-a", "bank-b"} {
		stores[name] = c.ReadDump(t, name)
	}
	for i, wrong := range book.Audit(stores) {
		if i < 20 {
			t.Error(wrong)
		}
	}
}

func transfer(key string, legs ...campaign.Leg) campaign.Transfer {
	return campaign.Transfer{Key: key, Legs: legs}
}

func TestParticipantInAnotherLanguageTakesPart(t *testing.T) {
	t.Parallel()
	c, f := system(t)
	var book campaign.Book
	for _, row := range []struct {
		what string
		t    campaign.Transfer
		want campaign.Heard
	}{
		{"it commits together with others", transfer("together",
			campaign.Leg{Participant: "bank-a", By: -30}, campaign.Leg{Participant: "points", By: 30}), campaign.Committed},
		{"its No aborts the others", transfer("its-no",
			campaign.Leg{Participant: "bank-a", By: 5}, campaign.Leg{Participant: "points", By: -5, Impossible: true}), campaign.Aborted},
		{"another's No aborts it", transfer("anothers-no",
			campaign.Leg{Participant: "bank-b", By: -5, Impossible: true}, campaign.Leg{Participant: "points", By: 5}), campaign.Aborted},
		{"it has part among three", transfer("three",
			campaign.Leg{Participant: "bank-a", By: -9}, campaign.Leg{Participant: "bank-b", By: 4}, campaign.Leg{Participant: "points", By: 5}), campaign.Committed},
		{"it is alone", transfer("alone", campaign.Leg{Participant: "points", By: 0}), campaign.Committed},
	} {
		told := campaign.CLI{Cluster: c}.Run(t.Context(), row.t.Key, row.t.Work())
		if told.Heard != row.want {
			t.Errorf("%s: heard %s, not %s: %s", row.what, told.Heard, row.want, told.Why)
		}
		book.Add(campaign.Entry{Transfer: row.t, Heard: told.Heard, ID: told.ID})
	}
	key := campaign.AccountKey(0)
	read := campaign.CLI{Cluster: c}.Run(t.Context(), "", map[string][]campaign.Op{
		"points": {{Get: &campaign.Key{Key: key}}}, "bank-a": {{Get: &campaign.Key{Key: key}}},
	})
	for name, want := range map[string]string{"points": "1035", "bank-a": "961"} {
		if got := read.Reads[name]; len(got) != 1 || got[0].Value != want {
			t.Errorf("a read of %s found %+v, not %s: %s", name, got, want, read.Why)
		}
	}
	audit(t, c, f, &book)
}

// P1, P2, P9, P10: killed in doubt, it is in doubt when it is back, until it hears the decision.
func TestParticipantInAnotherLanguageSurvivesWhileInDoubt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what, fault string
		want        campaign.Heard
	}{
		{"the decision was durable and unheard", "coordinator/send-commit=kill", campaign.Committed},
		{"there was no decision", "coordinator/append-commit=kill", campaign.Aborted},
	} {
		t.Run(row.what, func(t *testing.T) {
			c, f := system(t)
			if code, err := c.Coordinator.Stop(); code != 0 || err != nil {
				t.Fatalf("stop the coordinator: code %d: %v", code, err)
			}
			if err := c.Coordinator.Start("--fault", row.fault); err != nil {
				t.Fatal(err)
			}
			if err := campaign.Registered(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			tx := transfer("doubt", campaign.Leg{Participant: "bank-a", By: -70}, campaign.Leg{Participant: "points", By: 70})
			ended := make(chan campaign.Told, 1)
			go func() { ended <- campaign.CLI{Cluster: c}.Run(t.Context(), tx.Key, tx.Work()) }()
			if _, err := c.Coordinator.Wait(20 * time.Second); err != nil {
				t.Fatal(err)
			}
			for life := range 2 {
				f.Kill()
				if d := f.dump(t); len(d.InDoubt) != 1 || d.Data[campaign.TokenKey(tx.Key)] != "" {
					t.Fatalf("life %d: its store has %+v in doubt, and %q", life, d.InDoubt, d.Data[campaign.TokenKey(tx.Key)])
				}
				if err := f.Start(); err != nil {
					t.Fatal(err)
				}
			}
			told := <-ended // the client gives up: it has asked for longer than the transaction's time
			if told.Heard != campaign.Unknown || told.Odd != "" {
				t.Errorf("without a coordinator the client heard %s %s: %s", told.Heard, told.Odd, told.Why)
			}
			if err := c.Coordinator.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := campaign.Settle(t.Context(), c, time.Now(), settleLimit); err != nil {
				t.Fatal(err)
			}
			entry := campaign.Entry{Transfer: tx, ID: told.ID}
			heard, err := campaign.Ask(t.Context(), c, &entry)
			if err != nil || heard != row.want {
				t.Fatalf("it is %s, not %s: %v", heard, row.want, err)
			}
			var book campaign.Book
			entry.Heard = heard
			book.Add(entry)
			audit(t, c, f, &book)
		})
	}
}

// Everything at once: transfers between all three, any process killed at any time, its own too.
func TestParticipantInAnotherLanguageInACampaign(t *testing.T) {
	t.Parallel()
	c, f := system(t)
	config := campaign.Config{Seed: suite.Seed(t, *seed), Kills: *kills, Pause: 900 * time.Millisecond, Rounds: 1}
	for range 3 {
		config.Runners = append(config.Runners, campaign.CLI{Cluster: c})
	}
	config.Readers = []campaign.Runner{campaign.CLI{Cluster: c}}
	run := campaign.New(c, config)
	run.Run(t)
	audit(t, c, f, &run.Book)
}
