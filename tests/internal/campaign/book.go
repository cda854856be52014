package campaign

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// Start is every account's balance at first; Accounts is how many each participant keeps.
const (
	Start    = 1000
	Accounts = 8
)

// Heard is what a client was told of a transfer.
type Heard uint8

// What can be heard. The zero value is the careful one.
const (
	Unknown Heard = iota
	Committed
	Aborted // or never begun: certain either way
)

func (h Heard) String() string { return [...]string{"unknown", "committed", "aborted"}[h] }

// Leg is a transfer's part at one participant.
type Leg struct {
	Participant string
	Account     int
	By          int64
	Impossible  bool // asks for what cannot be: the branch will vote No
	Against     bool // settled by hand against the decision: what was decided did not happen here
}

// Transfer is one transaction, under one key.
type Transfer struct {
	Key  string
	Legs []Leg
}

// Entry is a transfer and what was heard of it.
type Entry struct {
	Transfer
	Heard Heard
	ID    string // where it is known
	Why   string // of what is not committed
}

// Book holds every transfer that was tried. It is safe for concurrent use.
type Book struct {
	mu      sync.Mutex
	entries []*Entry
	reads   int
	odd     []string // what should never be seen, such as a read of all accounts with another sum
}

// Add notes what was heard of a transfer.
func (b *Book) Add(e Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, &e)
}

// Read notes what a read of all accounts saw.
func (b *Book) Read(sum, want int64, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if sum != want {
		b.odd = append(b.odd, fmt.Sprintf("transaction %s read a sum of %d", id, sum))
	}
}

// Odd notes something that should never happen.
func (b *Book) Odd(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.odd = append(b.odd, what)
}

// Unknown are the entries whose end was not heard.
func (b *Book) Unknown() []*Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*Entry
	for _, e := range b.entries {
		if e.Heard == Unknown {
			all = append(all, e)
		}
	}
	return all
}

// Settle notes what was heard later.
func (b *Book) Settle(e *Entry, h Heard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.Heard = h
}

// Counts are how many transfers were heard of with which end, and how many reads there were.
func (b *Book) Counts() (committed, aborted, unknown, reads int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		switch e.Heard {
		case Committed:
			committed++
		case Aborted:
			aborted++
		default:
			unknown++
		}
	}
	return committed, aborted, unknown, b.reads
}

// AccountKey is an account's key; TokenKey is the one under which a transfer counts itself.
func AccountKey(n int) string         { return "account/" + strconv.Itoa(n) }
func TokenKey(transfer string) string { return "transfer/" + transfer }

// Audit compares the stores with what was heard. It gives one line for each thing that is wrong.
func (b *Book) Audit(stores map[string]procs.Dump) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	wrong := append([]string(nil), b.odd...)
	want := map[string]map[string]string{} // participant -> key -> value
	balance := map[string][]int64{}
	for name := range stores {
		want[name], balance[name] = map[string]string{}, make([]int64, Accounts)
		for i := range balance[name] {
			balance[name][i] = Start
		}
	}
	for _, e := range b.entries {
		if e.Heard == Unknown {
			wrong = append(wrong, fmt.Sprintf("%s (%s): nobody has said how it ended", e.Key, e.ID))
		}
		for _, leg := range e.Legs {
			if (e.Heard == Committed) == leg.Against {
				continue
			}
			want[leg.Participant][TokenKey(e.Key)] = "1"
			balance[leg.Participant][leg.Account] += leg.By
		}
	}
	var total int64
	for name, d := range stores {
		for i, n := range balance[name] {
			want[name][AccountKey(i)] = strconv.FormatInt(n, 10)
			held, err := strconv.ParseInt(d.Data[AccountKey(i)], 10, 64)
			if err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: %s is %q", name, AccountKey(i), d.Data[AccountKey(i)]))
			}
			total += held
		}
		wrong = append(wrong, compare(name, want[name], d)...)
	}
	if whole := int64(len(stores) * Accounts * Start); total != whole {
		wrong = append(wrong, fmt.Sprintf("the stores hold %d in all, of %d", total, whole))
	}
	return wrong
}

// compare lists what one store has and should not have, and the other way round.
func compare(name string, want map[string]string, d procs.Dump) []string {
	var wrong []string
	for key, value := range want {
		if d.Data[key] != value {
			wrong = append(wrong, fmt.Sprintf("%s: %s is %q, not %q", name, key, d.Data[key], value))
		}
	}
	for key, value := range d.Data {
		if _, ok := want[key]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s: %s is %q, of a transaction that did not commit", name, key, value))
		}
	}
	for _, l := range d.InDoubt {
		wrong = append(wrong, fmt.Sprintf("%s: %s is in doubt", name, l.ID))
	}
	for _, l := range d.Locks {
		wrong = append(wrong, fmt.Sprintf("%s: %s is locked", name, l.Key))
	}
	return wrong
}
