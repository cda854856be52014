package blackbox_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// Of everything that the campaign does, V1, V5, V6, V7, V8, V17, V21 and S1 are what the audit proves.
func TestCampaign(t *testing.T) {
	report := &suite.Outcome{Layer: "campaign"}
	suite.Report(t, report)
	if *kills == 0 {
		*kills = map[suite.Size]int{suite.Small: 12, suite.CI: 25, suite.All: 300}[*size]
	}
	c := procs.NewCluster(t, []string{"bank-a", "bank-b", "bank-c", "bank-d"})
	campaign.OpenAccounts(t, c)
	library := campaign.NewLibrary(t, c)
	config := campaign.Config{
		Seed: suite.Seed(t, *seed), Kills: *kills, Pause: 1600 * time.Millisecond, Rounds: 1 + *kills/10,
		Runners: []campaign.Runner{campaign.CLI{Cluster: c}, campaign.CLI{Cluster: c}},
		Readers: []campaign.Runner{campaign.CLI{Cluster: c}, library},
		Library: &library,
	}
	for i := range 14 {
		worker := library
		if i%4 == 0 {
			worker.Patience = time.Duration(i+1) * 10 * time.Millisecond
		}
		config.Runners = append(config.Runners, worker)
	}
	run := campaign.New(c, config)
	run.Run(t)
	report.Figures = run.Figures()
	campaign.Audit(t, c, &run.Book)
}
