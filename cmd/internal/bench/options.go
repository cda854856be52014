package bench

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Options of a run.
type Options struct {
	Executable   string // this program: it serves as coordinator, participant and echo too
	Dir          string // for data and logs, empty
	Participants int    // in every transaction
	Clients      []int  // concurrent ones: a row each
	Waits        []string
	Duration     time.Duration // of one measurement
	Rounds       int           // the median counts
	Workload     string
	Stores       []string // kv, or addresses of databases, of which each participant in turn takes the next
	History      int      // finished transactions in the log before it starts
	Rate         float64  // of an open-loop row, per second; 0: 70 % of the best row
	Unary        bool     // the product's own unary mode: no streams anywhere
	Coordinator  string   // one that runs already, with Names; "": start everything
	Names        []string
	InFlight     int // of the suites: the most transactions in flight, or in doubt
	Progress     io.Writer
}

// Workloads by name.
var Workloads = []string{"transfer", "noop", "readonly", "contended"}

// Waits by name.
var Waits = []string{"decided", "applied"}

// Bounds.
const (
	MaxParticipants = 32
	MaxClients      = 100_000
	MaxInFlight     = 1_000_000
	warmup          = 300 * time.Millisecond // before each measurement
)

// Check says what is wrong; "" if nothing is.
func (o *Options) Check() string {
	for _, n := range o.Clients {
		if n < 1 || n > MaxClients {
			return fmt.Sprintf("--clients %d: use 1 to %d", n, MaxClients)
		}
	}
	for _, w := range o.Waits {
		if !slices.Contains(Waits, w) {
			return fmt.Sprintf("--wait %q: use one or both of %v", w, Waits)
		}
	}
	for _, address := range o.Stores {
		if _, ok := storeOf(address); !ok || len(o.Stores) > 1 && address == stores[0].name {
			return fmt.Sprintf("--store %q: use kv, or addresses postgres://…, mysql://…, redis://… with passwords in the environment", address)
		}
	}
	switch {
	case o.Participants < 1 || o.Participants > MaxParticipants:
		return fmt.Sprintf("--participants %d: use 1 to %d", o.Participants, MaxParticipants)
	case len(o.Clients) == 0 || len(o.Waits) == 0:
		return "--clients and --wait need at least one value"
	case !slices.Contains(Workloads, o.Workload):
		return fmt.Sprintf("--workload %q: use one of %v", o.Workload, Workloads)
	case o.Duration < 100*time.Millisecond || o.Duration > time.Hour:
		return fmt.Sprintf("--duration %v: use 100ms to 1h", o.Duration)
	case o.Rounds < 1 || o.Rounds > 100:
		return fmt.Sprintf("--rounds %d: use 1 to 100", o.Rounds)
	case o.InFlight < 1 || o.InFlight > MaxInFlight:
		return fmt.Sprintf("--in-flight %d: use 1 to %d", o.InFlight, MaxInFlight)
	case o.History < 0 || o.Rate < 0:
		return "--history and --rate cannot be negative"
	}
	return ""
}

func (o *Options) say(format string, args ...any) {
	_, _ = fmt.Fprintf(o.Progress, format+"\n", args...) // progress that nobody reads is no error
}
