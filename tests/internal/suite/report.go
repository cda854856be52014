package suite

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// ReportsVariable names the environment variable with the directory that reports go to; unset: nowhere.
const ReportsVariable = "TXC_REPORTS"

// Outcome is what one layer did, for the campaign's summary.
type Outcome struct {
	Layer   string         `json:"layer"`           // crash, disk, …: unique in a campaign
	Figures map[string]int `json:"figures"`         // counted, in the summary's words: points, seeds, states, images, kills, histories, cells, mutants, …
	Notes   []string       `json:"notes,omitempty"` // tables and remarks for people, a line each
	Skipped []string       `json:"skipped,omitempty"`
	Failed  bool           `json:"failed"`
	Took    time.Duration  `json:"took"`
}

// Report hands in what a layer did when the test ends, failed or not. figures and notes are read then. Tests of one layer
// that run one after the other may share an Outcome: it grows.
func Report(t testing.TB, o *Outcome) {
	began := time.Now()
	t.Cleanup(func() {
		o.Failed, o.Took = o.Failed || t.Failed(), o.Took+time.Since(began)
		t.Logf("%s: %v in %v", o.Layer, o.Figures, o.Took.Round(time.Millisecond))
		dir := os.Getenv(ReportsVariable)
		if dir == "" {
			return
		}
		text, err := json.MarshalIndent(o, "", "  ")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, o.Layer+".json"), append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Errorf("hand in the report of %s: %v", o.Layer, err)
		}
	})
}
