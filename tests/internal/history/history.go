package history

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Status is what is known of a transaction's end.
type Status uint8

// The statuses. The zero value is the careful one: it may have happened.
const (
	Unknown Status = iota
	Committed
	Aborted
)

func (s Status) String() string { return [...]string{"unknown", "committed", "aborted"}[s] }

// Forever is the End of a transaction that nobody heard the end of.
const Forever = time.Duration(math.MaxInt64)

// Tx is one transaction as its client saw it.
type Tx struct {
	Name       string // unique
	Status     Status
	Begin, End time.Duration // of the client's call, on one monotonic clock; the effect, if any, lies between
	Ops        []Op          // in order; a read whose result was lost is left out
}

// Op is an append of an element to a list, or a read of a whole list.
type Op struct {
	Key     string
	Append  bool
	Element int   // of an append: no other append has it, to whatever list
	List    []int // of a read
}

// Read is the read of a list.
func Read(key string, list ...int) Op { return Op{Key: key, List: list} }

// Append is the append of an element.
func Append(key string, element int) Op { return Op{Key: key, Append: true, Element: element} }

func (o Op) String() string {
	if o.Append {
		return fmt.Sprintf("append %d to %s", o.Element, o.Key)
	}
	return fmt.Sprintf("read %s as %v", o.Key, o.List)
}

func (t *Tx) String() string {
	ops := make([]string, len(t.Ops))
	for i, o := range t.Ops {
		ops[i] = o.String()
	}
	end := "never heard"
	if t.End != Forever {
		end = t.End.String()
	}
	return fmt.Sprintf("%s (%s, %v to %s): %s", t.Name, t.Status, t.Begin, end, strings.Join(ops, ", "))
}

// Kind names an anomaly.
type Kind string

// The anomalies, those that one list shows before those that take a cycle.
const (
	Internal          Kind = "internal inconsistency" // a transaction does not see its own appends, or two lists where there is one
	Garbage           Kind = "garbage read"           // of an element that nobody appended there
	Twice             Kind = "element twice"          // one append that happened twice
	G1a               Kind = "G1a aborted read"
	G1b               Kind = "G1b intermediate read"
	LostUpdate        Kind = "lost update" // two have read the same list, and both appended to it
	IncompatibleOrder Kind = "incompatible order"
	G0                Kind = "G0 write cycle"
	G1c               Kind = "G1c circular information flow"
	Fractured         Kind = "fractured read" // G-single of two: one sees a part of the other
	GSingle           Kind = "G-single read skew"
	G2Item            Kind = "G2-item anti-dependency cycle" // write skew, for one
	RealTime          Kind = "real-time cycle"
)

// Anomaly is something that no strictly serializable store shows.
type Anomaly struct {
	Kind Kind
	Txs  []string // who took part; of a cycle in its order
	Text string   // for people: the cycle with its edges explained
}

func (a Anomaly) String() string { return fmt.Sprintf("%s: %s", a.Kind, a.Text) }

// Result is what Check found.
type Result struct {
	Anomalies []Anomaly
	Counted   int // transactions that count as committed
	Edges     Edges
}

// Edges are how many of each kind there were.
type Edges struct{ WriteWrite, WriteRead, ReadWrite, RealTime int }

// All is their sum.
func (e Edges) All() int { return e.WriteWrite + e.WriteRead + e.ReadWrite + e.RealTime }

// Has reports whether an anomaly of this kind was found.
func (r Result) Has(k Kind) bool {
	for _, a := range r.Anomalies {
		if a.Kind == k {
			return true
		}
	}
	return false
}
