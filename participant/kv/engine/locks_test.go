package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/kv/engine"
)

func owner(age uint64) *engine.Owner {
	return &engine.Owner{Age: engine.Age{At: age, Name: engine.Name{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: age}}}}
}

// A script is a list of steps: "3S" the owner of age 3 asks for a shared lock, "3X" for an exclusive one, "3!" it has
// promised, "-3" it releases everything. What each step does is appended after a colon.
func TestLockTable(t *testing.T) {
	rows := []struct {
		says   string
		script string
	}{
		{"a free key is granted", "1X:granted"},
		{"shared locks go together", "1S:granted 2S:granted 3S:granted"},
		{"an older one waits for a younger holder (S3)", "2X:granted 1X:waits -2:1"},
		{"a younger one dies of an older holder (S3)", "1X:granted 2X:dies -1:"},
		{"who dies leaves no trace", "1X:granted 2X:dies -1: 2X:granted"},
		{"a reader waits for a writer", "2X:granted 1S:waits -2:1"},
		{"a writer waits for all readers", "2S:granted 3S:granted 1X:waits -2: -3:1"},
		{"a writer must be older than every reader", "1S:granted 3S:granted 2X:dies"},
		{"a waiter ahead counts as a holder does: an older one waits behind it (S3)", "3X:granted 2X:waits 1X:waits -3:2 -2:1"},
		{"a waiter ahead counts as a holder does: a younger one dies (S3)", "9X:granted 1X:waits 2X:dies"},
		{"a reader does not overtake a waiting writer", "9S:granted 2X:waits 1S:waits -9:2 -2:1"},
		{"a younger reader dies of a waiting writer, though the holder is a reader", "9S:granted 1X:waits 2S:dies"},
		{"waiting readers are granted together", "9X:granted 1S:waits 2S:waits -9:1,2"},
		{"a reader ahead does not count for a reader", "9X:granted 1S:waits 2S:waits 3S:waits -9:1,2,3"},
		{"a waiter that gives up makes room", "9S:granted 2X:waits 1S:waits -2:1"},
		{"a younger one pauses before a promised holder (S3)", "1X:granted 1!: 2X:pauses -1:2"},
		{"one promised holder of two does not help", "1S:granted 1!: 2S:granted 3X:dies"},
		{"all promised holders do", "1S:granted 1!: 2S:granted 2!: 3X:pauses -1: -2:3"},
		{"who pauses counts as a waiter ahead", "1X:granted 1!: 3X:pauses 4X:dies 2X:pauses -1:3 -3:2"},
		{"an older one waits, promised or not", "2X:granted 2!: 1X:waits -2:1"},
		{"asking again is granted", "1S:granted 1S:granted 2S:granted"},
		{"a stronger lock includes the weaker", "1X:granted 1S:granted 2S:dies"},
		{"a sole reader becomes a writer", "1S:granted 1X:granted 2S:dies"},
		{"an older reader waits to become a writer", "1S:granted 2S:granted 1X:waits -2:1"},
		{"a younger reader dies of it", "1S:granted 2S:granted 2X:dies"},
		{"two readers that both want to write do not wait for each other", "1S:granted 2S:granted 1X:waits 2X:dies -2:1"},
		{"a sole reader becomes a writer though others wait for it", "2S:granted 1X:waits 2X:granted -2:1"},
	}
	for _, r := range rows {
		t.Run(r.says, func(t *testing.T) {
			table := engine.NewLocks()
			owners := map[string]*engine.Owner{}
			for _, step := range strings.Fields(r.script) {
				do, want, _ := strings.Cut(step, ":")
				if got := lockStep(table, owners, do); got != want {
					t.Fatalf("%s: got %q, want %q", do, got, want)
				}
			}
			for _, o := range owners {
				table.Release(o, nil)
			}
			if table.Held() != 0 || table.Waiting() != 0 {
				t.Errorf("left over: %d held, %d waiting", table.Held(), table.Waiting())
			}
		})
	}
}

func lockStep(table *engine.Locks, owners map[string]*engine.Owner, do string) string {
	who := strings.Trim(do, "-SX!")
	o := owners[who]
	if o == nil {
		o = owner(uint64(who[0] - '0'))
		owners[who] = o
	}
	switch {
	case do[0] == '-':
		var names []string
		for _, g := range table.Release(o, nil) {
			names = append(names, fmt.Sprint(g.Age.At))
		}
		return strings.Join(names, ",")
	case strings.HasSuffix(do, "!"):
		o.Promised = true
		return ""
	case strings.HasSuffix(do, "S"):
		return said(table.Acquire(o, []byte("k"), engine.Shared))
	}
	return said(table.Acquire(o, []byte("k"), engine.Exclusive))
}

func said(v engine.Verdict) string {
	return map[engine.Verdict]string{engine.Granted: "granted", engine.Waits: "waits", engine.Pauses: "pauses", engine.Dies: "dies"}[v]
}

func TestAgeIsTotal(t *testing.T) {
	ages := []engine.Age{
		{At: 1, Name: engine.Name{ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}}},
		{At: 2, Name: engine.Name{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}}},
		{At: 2, Name: engine.Name{ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: 2}}},
		{At: 2, Name: engine.Name{ID: txc.ID{Coordinator: 1, Epoch: 2, Sequence: 1}}},
		{At: 2, Name: engine.Name{ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}}},
		{At: 2, Name: engine.Name{ID: txc.ID{Coordinator: 2, Epoch: 1, Sequence: 1}, Mark: 1}},
	}
	for i := range ages {
		for j := range ages {
			if ages[i].Older(ages[j]) != (i < j) {
				t.Errorf("%d older than %d: %v", i, j, i >= j)
			}
		}
	}
}

// model keeps, beside the table, who must be waiting for whom, from the requests and grants alone.
type model struct {
	holds, queue map[string][]claim
}

type claim struct {
	o *engine.Owner
	m engine.Mode
}

// blockers lists those that the waiter at place i of a key's queue waits for: conflicting holders and waiters ahead.
func (m *model) blockers(key string, i int) []*engine.Owner {
	var all []*engine.Owner
	me := m.queue[key][i]
	for _, c := range slices.Concat(m.holds[key], m.queue[key][:i]) {
		if c.o != me.o && (c.m == engine.Exclusive || me.m == engine.Exclusive) {
			all = append(all, c.o)
		}
	}
	return all
}

func (m *model) drop(o *engine.Owner) {
	for _, lists := range []map[string][]claim{m.holds, m.queue} {
		for k := range lists {
			lists[k] = slices.DeleteFunc(lists[k], func(c claim) bool { return c.o == o })
		}
	}
}

// S3: whatever the order of requests and releases over several keys, whoever waits is older than all he waits for, but
// for pauses before promised holders; conflicting locks are never held together; and nobody waits for nothing.
func TestLocksNeverWaitInACircle(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		table := engine.NewLocks()
		m := &model{holds: map[string][]claim{}, queue: map[string][]claim{}}
		var live []*engine.Owner
		next := uint64(1)
		for step := range 400 {
			if len(live) < 8 && rnd.IntN(3) == 0 {
				live = append(live, owner(uint64(rnd.IntN(50))*1000+next))
				next++
			}
			if len(live) == 0 {
				continue
			}
			i := rnd.IntN(len(live))
			o := live[i]
			switch {
			case rnd.IntN(8) == 0 || o.Promised && rnd.IntN(4) == 0:
				live = slices.Delete(live, i, i+1)
				m.release(t, table, o)
			case o.Waiting() || o.Promised:
			case rnd.IntN(6) == 0:
				o.Promised = true
			default:
				key, mode := fmt.Sprint(rnd.IntN(4)), engine.Mode(1+rnd.IntN(2))
				if m.acquire(table, o, key, mode) == engine.Dies {
					live = slices.Delete(live, i, i+1)
					m.release(t, table, o)
				}
			}
			if bad := m.wrong(); bad != "" {
				t.Fatalf("seed %d, step %d: %s", seed, step, bad)
			}
		}
	}
}

func (m *model) acquire(table *engine.Locks, o *engine.Owner, key string, mode engine.Mode) engine.Verdict {
	v := table.Acquire(o, []byte(key), mode)
	switch v {
	case engine.Granted:
		m.grant(o, key, mode)
	case engine.Waits, engine.Pauses:
		m.queue[key] = append(m.queue[key], claim{o, mode})
	case engine.Dies:
	}
	return v
}

func (m *model) grant(o *engine.Owner, key string, mode engine.Mode) {
	for i, c := range m.holds[key] {
		if c.o == o {
			m.holds[key][i].m = max(c.m, mode)
			return
		}
	}
	m.holds[key] = append(m.holds[key], claim{o, mode})
}

func (m *model) release(t *testing.T, table *engine.Locks, o *engine.Owner) {
	t.Helper()
	m.drop(o)
	for _, g := range table.Release(o, nil) {
		for key, q := range m.queue {
			i := slices.IndexFunc(q, func(c claim) bool { return c.o == g })
			if i < 0 {
				continue
			}
			mode := q[i].m
			m.queue[key] = slices.Delete(q, i, i+1)
			m.grant(g, key, mode)
		}
	}
}

func (m *model) wrong() string {
	for key, holds := range m.holds {
		for _, a := range holds {
			for _, b := range holds {
				if a.o != b.o && (a.m == engine.Exclusive || b.m == engine.Exclusive) {
					return "conflicting locks are held on " + key
				}
			}
		}
	}
	for key, q := range m.queue {
		for i, c := range q {
			blockers := m.blockers(key, i)
			if i == 0 && len(blockers) == 0 {
				return fmt.Sprintf("%d waits for nothing on %s", c.o.Age.At, key)
			}
			for _, b := range blockers {
				if !c.o.Age.Older(b.Age) && !b.Promised {
					return fmt.Sprintf("%d waits for the older %d on %s", c.o.Age.At, b.Age.At, key)
				}
			}
		}
	}
	return ""
}
