package failpoint_test

import (
	"strings"
	"testing"

	"github.com/txc-dev/txc/internal/failpoint"
)

// FuzzParse: a spec is refused with words about itself, or it arms exactly its own point, of those that there are.
func FuzzParse(f *testing.F) {
	points := []string{"coordinator/durable", "a"}
	for _, s := range []string{"a=kill", "a=delay:5ms@3", "coordinator/durable=stop@2", "a=error:1", "b=kill", "a=kill@0", "a=delay:2h", "=kill", "a=delay", "a=kill@1@1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		set, err := failpoint.Parse([]string{spec}, points)
		if err != nil {
			if set != nil || !strings.Contains(err.Error(), "fault ") {
				t.Fatalf("%q: %v", spec, err)
			}
			return
		}
		point, deed, _ := strings.Cut(spec, "=")
		if point != points[0] && point != points[1] || strings.TrimLeft(deed, "kilstoperday") == deed {
			t.Fatalf("%q is taken", spec)
		}
		if err := set.Hit("another"); err != nil {
			t.Fatalf("%q acts on another point: %v", spec, err)
		}
	})
}
