package histories_test

import "testing"

func controls(t *testing.T, seed uint64) int { return 0 }
