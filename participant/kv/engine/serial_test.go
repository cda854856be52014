package engine_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/kv/engine"
)

// judge checks the end state and the order of transactions.
func (w *world) judge() string {
	for _, s := range w.sites {
		if st := s.c.Stats(); st.Locks != 0 || st.InDoubt != 0 || st.Branches != 0 || st.Staged != 0 {
			return fmt.Sprintf("store %d at rest: %+v", s.i, st)
		}
	}
	for _, x := range w.txs {
		for i, ops := range x.ops {
			for _, op := range ops {
				n := 0
				for _, v := range w.sites[i].versions[string(op.Key)] {
					if v == x.seq {
						n++
					}
				}
				if want := op.Kind == engine.Put && x.outcome == txc.Committed; want != (n == 1) && (op.Kind == engine.Put) {
					return fmt.Sprintf("%d (%v) wrote %s %d times", x.seq, x.outcome, op.Key, n)
				}
			}
		}
	}
	return w.circle()
}

// circle looks for transactions that must all precede each other: by reads, by versions, or in real time.
func (w *world) circle() string {
	edges := make(map[uint64][]uint64)
	why := map[[2]uint64]string{}
	link := func(a, b uint64, reason string) {
		if a != b && a != 0 && b != 0 {
			edges[a] = append(edges[a], b)
			why[[2]uint64{a, b}] = reason
		}
	}
	var done []*trans
	for _, x := range w.txs {
		if x.outcome == txc.Committed {
			done = append(done, x)
		}
	}
	for _, s := range w.sites {
		for key, list := range s.versions {
			for i := 1; i < len(list); i++ {
				link(list[i-1], list[i], "wrote "+key+" before")
			}
		}
	}
	for _, x := range done {
		for i := range x.part {
			for key, v := range x.part[i].reads {
				list := w.sites[i].versions[key]
				if v == x.seq {
					continue // its own
				}
				at := slices.Index(list, v)
				if v != 0 && at < 0 {
					return fmt.Sprintf("%d read %s=%d, which nobody committed", x.seq, key, v)
				}
				link(v, x.seq, "wrote "+key+" read by")
				if at+1 < len(list) {
					link(x.seq, list[at+1], "read "+key+" before it was overwritten by")
				}
			}
		}
		for _, y := range done {
			if x.ended < y.began {
				link(x.seq, y.seq, "ended before the begin of")
			}
		}
	}
	return findCircle(edges, why)
}

func findCircle(edges map[uint64][]uint64, why map[[2]uint64]string) string {
	color := map[uint64]int{}
	var path []uint64
	var visit func(n uint64) string
	visit = func(n uint64) string {
		color[n] = 1
		path = append(path, n)
		for _, m := range edges[n] {
			if color[m] == 1 {
				loop := append(slices.Clone(path[slices.Index(path, m):]), m)
				var b strings.Builder
				for i := 1; i < len(loop); i++ {
					fmt.Fprintf(&b, "%d %s %d\n", loop[i-1], why[[2]uint64{loop[i-1], loop[i]}], loop[i])
				}
				return "not strictly serializable:\n" + b.String()
			}
			if color[m] == 0 {
				if s := visit(m); s != "" {
					return s
				}
			}
		}
		color[n] = 2
		path = path[:len(path)-1]
		return ""
	}
	for n := range edges {
		if color[n] == 0 {
			if s := visit(n); s != "" {
				return s
			}
		}
	}
	return ""
}
