package model_test

import "testing"

const whole = `
State-vector 116 byte, depth reached 65, errors: 0
   228369 states, stored
`

func TestAReportIsRead(t *testing.T) {
	if errors, states, err := complete(whole); err != nil || errors != 0 || states != 228369 {
		t.Errorf("%d errors, %d states: %v", errors, states, err)
	}
	if _, states, err := complete("State-vector 1 byte, depth reached 6, errors: 0\n 1.5e+06 states, stored\n"); err != nil || states != 1_500_000 {
		t.Errorf("%d states: %v", states, err)
	}
}

// A search that was cut short proves nothing, whatever it counts.
func TestASearchThatWasCutShortIsSeen(t *testing.T) {
	for _, words := range truncated {
		if _, _, err := complete("error: " + words + whole); err == nil {
			t.Errorf("taken as complete: %s", words)
		}
	}
	if _, _, err := complete("./pan: killed"); err == nil {
		t.Error("no report is taken as one")
	}
}

// A step that is listed and not missed was taken; one that every search missed was not.
func TestStepsAreCounted(t *testing.T) {
	const table = "proctype P\n\tstate   3 -(tr   5)-> state   1  [id   2 tp   2] [D-e-G] a.pml:7 => D_STEP7\n" +
		"\tstate   6 -(tr   9)-> state   1  [id   3 tp   2] [D-e-G] a.pml:9 => D_STEP9\n"
	const report = "unreached in proctype P\n\ta.pml:9, state 6, \"D_STEP9\"\n\t(1 of 7 states)\n"
	s := &steps{contained: map[string]bool{}, taken: map[string]bool{}}
	if err := s.add(table, report); err != nil {
		t.Fatal(err)
	}
	if never := s.never(); len(never) != 1 || never[0] != "P D_STEP9" {
		t.Errorf("never taken: %v", never)
	}
	if s.add("", report) == nil || s.add(table, "") == nil {
		t.Error("nothing is taken for something")
	}
}
