package histories_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/history"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// Bounds of the workload.
const (
	active = 9                     // lists in use at a time
	full   = 40                    // elements, about, after which a list is left for a new one
	rest   = 20 * time.Millisecond // after trouble
)

// lister is one worker on lists.
type lister struct {
	runner campaign.Runner
	rec    *recorder
	rng    *rand.Rand
	name   string
	names  []string // of the participants
	tried  int      // appends, over all rounds: each has a key of its own
}

// place is the participant of a list, and counter the one that counts its elements.
func (l *lister) place(list int) string   { return l.names[list%len(l.names)] }
func (l *lister) counter(list int) string { return l.names[(list+1)%len(l.names)] }

func listKey(list int) string  { return "list/" + strconv.Itoa(list) }
func countKey(list int) string { return "count/" + strconv.Itoa(list) }

// work runs transactions until `working` ends.
func (l *lister) work(ctx, working context.Context) {
	for working.Err() == nil {
		lists := l.draw()
		seen := l.read(ctx, lists)
		heard := campaign.Committed
		if seen == nil {
			heard = campaign.Unknown
		} else if l.rng.IntN(5) > 0 {
			l.tried++
			heard = l.append(ctx, fmt.Sprintf("%s-%d", l.name, l.tried), lists, seen)
		}
		if heard == campaign.Committed {
			continue
		}
		select {
		case <-working.Done():
		case <-time.After(rest):
		}
	}
}

// draw chooses one to four lists of those in use, rather few: most transactions do not need every participant.
func (l *lister) draw() []int {
	first := l.rec.given() / (active * full) * active
	order := l.rng.Perm(active)[:1+min(l.rng.IntN(4), l.rng.IntN(4))]
	for i := range order {
		order[i] += first
	}
	return order
}

// read reads lists, and their counts, in one transaction; nil: it did not commit, or what it read is lost.
func (l *lister) read(ctx context.Context, lists []int) map[string]procs.Read {
	work := map[string][]campaign.Op{}
	for _, list := range lists {
		work[l.place(list)] = append(work[l.place(list)], campaign.Op{Get: &campaign.Key{Key: listKey(list)}})
		work[l.counter(list)] = append(work[l.counter(list)], campaign.Op{Get: &campaign.Key{Key: countKey(list)}})
	}
	begin := l.rec.now()
	told := l.runner.Run(ctx, "", work)
	if told.Heard == campaign.Committed && told.Replayed {
		return nil
	}
	var ops []history.Op
	found := readsOf(told)
	if told.Heard == campaign.Committed {
		for _, list := range lists {
			ops = append(ops, history.Read(listKey(list), l.elements(found, listKey(list))...))
		}
	}
	l.rec.add("", begin, told, ops)
	if told.Heard != campaign.Committed {
		return nil
	}
	for _, list := range lists {
		if counted, there := found[countKey(list)].Value, l.elements(found, listKey(list)); counted != strconv.Itoa(len(there)) && (counted != "" || len(there) > 0) {
			l.rec.oddity("fractured read: transaction %s read %s as %v, and at another participant %q for its length", told.ID, listKey(list), there, counted)
		}
	}
	return found
}

// append checks that lists are as they were seen, and adds elements to one or two of them, all in one transaction.
func (l *lister) append(ctx context.Context, key string, lists []int, seen map[string]procs.Read) campaign.Heard {
	work := map[string][]campaign.Op{}
	put := func(at string, op campaign.Op) { work[at] = append(work[at], op) }
	var ops []history.Op
	for i, list := range lists {
		k := listKey(list)
		put(l.place(list), campaign.CheckOf(seen[k]))
		ops = append(ops, history.Read(k, l.elements(seen, k)...))
		if i > 1 {
			continue // only looked at
		}
		elements := l.rec.elements(1 + l.rng.IntN(4)/3)
		text := seen[k].Value
		for _, e := range elements {
			text = strings.TrimLeft(text+" "+strconv.Itoa(e), " ")
			put(l.place(list), campaign.Op{Put: &campaign.KeyValue{Key: k, Value: text}})
			ops = append(ops, history.Append(k, e))
		}
		put(l.place(list), campaign.Op{Get: &campaign.Key{Key: k}})
		put(l.counter(list), campaign.Op{Add: &campaign.Add{Key: countKey(list), By: int64(len(elements))}})
	}
	if l.rng.IntN(10) == 0 { // one branch votes No
		never := int64(1) << 40
		put(l.names[l.rng.IntN(len(l.names))], campaign.Op{Add: &campaign.Add{Key: "doom", Min: &never}})
	}
	begin := l.rec.now()
	told := l.runner.Run(ctx, key, work)
	reads := readsOf(told)
	for k := range reads { // what it saw of its own
		ops = append(ops, history.Read(k, l.elements(reads, k)...))
	}
	l.rec.add(key, begin, told, ops)
	return told.Heard
}

// elements are those of a list that was read.
func (l *lister) elements(found map[string]procs.Read, key string) []int {
	r, ok := found[key]
	if !ok {
		l.rec.oddity("%s is not among what was read", key)
	}
	list, err := parseList(r.Value)
	if err != nil {
		l.rec.oddity("%s: %v", key, err)
	}
	return list
}

func parseList(text string) ([]int, error) {
	var list []int
	for _, word := range strings.Fields(text) {
		e, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("%q is no list: %w", text, err)
		}
		list = append(list, e)
	}
	return list, nil
}
