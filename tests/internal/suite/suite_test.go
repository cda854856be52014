package suite_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/txc-dev/txc/tests/internal/suite"
)

func TestSizesAreNamed(t *testing.T) {
	for _, want := range []suite.Size{suite.Small, suite.CI, suite.All} {
		var got suite.Size
		if err := got.Set(want.String()); err != nil || got != want {
			t.Errorf("%s reads as %v: %v", want, got, err)
		}
	}
	if err := new(suite.Size).Set("huge"); err == nil {
		t.Error("an unknown size is taken")
	}
}

func TestAReportIsHandedIn(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(suite.ReportsVariable, dir)
	t.Run("layer", func(t *testing.T) {
		o := &suite.Outcome{Layer: "toy", Figures: map[string]int{}}
		suite.Report(t, o)
		o.Figures["points"] = 3
	})
	text, err := os.ReadFile(filepath.Join(dir, "toy.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o suite.Outcome
	if err := json.Unmarshal(text, &o); err != nil || o.Figures["points"] != 3 || o.Failed || o.Took <= 0 {
		t.Errorf("read back as %+v: %v", o, err)
	}
}

func TestASeedIsGivenOrDrawn(t *testing.T) {
	if got := suite.Seed(t, 7); got != 7 {
		t.Errorf("7 became %d", got)
	}
	if suite.Seed(t, 0) == 0 {
		t.Error("drawn: 0")
	}
}
