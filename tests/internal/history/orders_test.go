package history_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/txc-dev/txc/tests/internal/history"
)

var seeds = flag.Uint64("seeds", 20000, "histories that are compared with a search through all orders")

// serial draws transactions one after the other, with intervals that overlap around the moment at which each takes
// effect: whatever order they are handed over in, there is nothing wrong with them.
func serial(rng *rand.Rand, n, keys int) []history.Tx {
	lists := map[string][]int{}
	next := 0
	var txs []history.Tx
	for i := range n {
		moment := ms(10 * i)
		t := history.Tx{
			Name: fmt.Sprintf("T%d", i), Status: history.Committed,
			Begin: moment - ms(rng.IntN(40)), End: moment + ms(rng.IntN(40)),
		}
		if rng.IntN(6) == 0 {
			t.Status, t.End = history.Unknown, history.Forever
		}
		happens := t.Status == history.Committed || rng.IntN(2) == 0
		if rng.IntN(8) == 0 {
			t.Status, happens = history.Aborted, false
		}
		mine := map[string][]int{}
		for range 1 + rng.IntN(4) {
			key := fmt.Sprintf("k%d", rng.IntN(keys))
			if _, ok := mine[key]; !ok {
				mine[key] = slices.Clone(lists[key])
			}
			if rng.IntN(2) == 0 {
				t.Ops = append(t.Ops, history.Read(key, slices.Clone(mine[key])...))
				continue
			}
			next++
			t.Ops = append(t.Ops, history.Append(key, next))
			mine[key] = append(mine[key], next)
		}
		if happens {
			for key, list := range mine {
				lists[key] = list
			}
		}
		txs = append(txs, t)
	}
	rng.Shuffle(len(txs), func(i, j int) { txs[i], txs[j] = txs[j], txs[i] })
	return txs
}

func TestCorrectHistoriesRaiseNoAlarm(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		txs := serial(rng, 200, 1+rng.IntN(8))
		got, err := history.Check(txs)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Anomalies) != 0 {
			t.Fatalf("seed %d: false alarm: %v", seed, got.Anomalies[0])
		}
	}
}

// What a cycle search says of a small history is what trying every order says of it.
func TestTheCheckerAgreesWithEveryOrder(t *testing.T) {
	good, bad := 0, 0
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(seed, 2))
		txs := serial(rng, 2+rng.IntN(5), 1+rng.IntN(3))
		for range rng.IntN(3) {
			spoil(rng, txs)
		}
		got, err := history.Check(txs)
		if err != nil {
			t.Fatal(err)
		}
		serializable := anyOrder(txs)
		if serializable {
			good++
		} else {
			bad++
		}
		if serializable != (len(got.Anomalies) == 0) {
			t.Fatalf("seed %d: some order explains it: %v; anomalies: %v\n%s", seed, serializable, got.Anomalies, show(txs))
		}
	}
	t.Logf("%d histories have an order, %d have none", good, bad)
	if good < int(*seeds)/10 || bad < int(*seeds)/10 {
		t.Error("there is not enough of both to compare")
	}
}

// spoil changes what one transaction read, when it ran, or how it ended.
func spoil(rng *rand.Rand, txs []history.Tx) {
	t := &txs[rng.IntN(len(txs))]
	o := &t.Ops[rng.IntN(len(t.Ops))]
	switch rng.IntN(4) {
	case 0:
		if !o.Append && len(o.List) > 0 {
			o.List = o.List[:len(o.List)-1]
		}
	case 1:
		if !o.Append && len(o.List) > 1 {
			i := rng.IntN(len(o.List) - 1)
			o.List[i], o.List[i+1] = o.List[i+1], o.List[i]
		}
	case 2:
		length := ms(rng.IntN(5))
		if t.End != history.Forever {
			t.Begin = ms(rng.IntN(60))
			t.End = t.Begin + length
		}
	case 3:
		if t.Status = history.Status(rng.IntN(3)); t.Status == history.Unknown {
			t.End = history.Forever
		}
	}
}

// anyOrder tries every order of what committed and of any part of what may have, that keeps real time.
func anyOrder(txs []history.Tx) bool {
	return place(txs, make([]bool, len(txs)), map[string][]int{})
}

func place(txs []history.Tx, placed []bool, lists map[string][]int) bool {
	done := true
	for i, t := range txs {
		done = done && (placed[i] || t.Status != history.Committed)
	}
	if done {
		return true
	}
	for i, t := range txs {
		if placed[i] || t.Status == history.Aborted || !mayBeNext(txs, placed, t.Begin) {
			continue
		}
		after, ok := execute(t, lists)
		if !ok {
			continue
		}
		placed[i] = true
		if place(txs, placed, after) {
			return true
		}
		placed[i] = false
	}
	return false
}

// mayBeNext reports whether nothing that must come before this begin is left.
func mayBeNext(txs []history.Tx, placed []bool, begin time.Duration) bool {
	for i, t := range txs {
		if !placed[i] && t.Status == history.Committed && t.End < begin {
			return false
		}
	}
	return true
}

func execute(t history.Tx, lists map[string][]int) (map[string][]int, bool) {
	after := map[string][]int{}
	for key, list := range lists {
		after[key] = slices.Clone(list)
	}
	for _, o := range t.Ops {
		if o.Append {
			after[o.Key] = append(after[o.Key], o.Element)
		} else if !slices.Equal(after[o.Key], o.List) {
			return nil, false
		}
	}
	return after, true
}

func show(txs []history.Tx) (text string) {
	for i := range txs {
		text += txs[i].String() + "\n"
	}
	return text
}
