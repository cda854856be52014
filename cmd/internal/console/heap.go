package console

import (
	"os"
	"runtime/debug"
)

// heapGrowth is in percent. Go's default of 100 costs a busy server 5 to 10 % of its processor time.
const heapGrowth = 300

// EaseHeap lets the heap of a server grow further between collections than Go's default: most of what a transaction needs
// is garbage when it ends. GOGC wins; GOMEMLIMIT bounds it where memory counts for more than time.
func EaseHeap() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
