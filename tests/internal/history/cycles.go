package history

import (
	"fmt"
	"slices"
	"strings"
)

// classes are the kinds of cycles, the gravest first: a cycle is named by the weakest edges that it cannot do without.
var classes = []struct {
	kind    Kind
	through edges // a cycle of the class has an edge of this kind
	rest    edges // and beside it any number of these
	twice   bool  // and another one of the first kind
}{
	{G0, ww, ww, false},
	{G1c, wr, ww | wr, false},
	{GSingle, rw, ww | wr, false},
	{G2Item, rw, data, true},
	{RealTime, rt, data | rt, false},
}

// step is one edge on a way.
type step struct {
	from int
	edge
}

// cycles gives the shortest cycle of each class in each strongly connected component, unless a graver class has shown
// one there.
func (g *graph) cycles() (found []Anomaly) {
	told := map[int]bool{} // transactions of components with a cycle
	for _, class := range classes {
		for _, component := range g.components(class.through | class.rest) {
			in := map[int]bool{}
			fresh := true
			for _, at := range component {
				in[at] = true
				fresh = fresh && !told[at]
			}
			if !fresh {
				continue
			}
			cycle := g.shortest(in, class.through, class.rest, class.twice)
			if cycle == nil {
				continue
			}
			for at := range in {
				told[at] = true
			}
			found = append(found, g.anomaly(class.kind, cycle))
		}
	}
	return found
}

// shortest finds the shortest cycle among these that has an edge of the first kind, two of them if twice is set, and
// otherwise edges of rest.
func (g *graph) shortest(in map[int]bool, through, rest edges, twice bool) (best []step) {
	component := make([]int, 0, len(in))
	for at := range in {
		component = append(component, at)
	}
	slices.Sort(component)
	for _, from := range component {
		for _, e := range g.out[from] {
			if e.kind != through || !in[e.to] {
				continue
			}
			way, ok := g.way(e.to, from, in, through, rest, twice)
			if ok && (best == nil || len(way)+1 < len(best)) {
				best = append([]step{{from, e}}, way...)
			}
			if len(best) == 2 {
				return best // none is shorter
			}
		}
	}
	return best
}

// place is where a search stands: past an edge of the kind that is wanted, or not yet.
type place struct {
	at   int
	past bool
}

// way finds the shortest way over edges of rest, past one of the kind `through` if wanted is set.
func (g *graph) way(from, to int, in map[int]bool, through, rest edges, wanted bool) ([]step, bool) {
	start := place{from, !wanted}
	goal := place{to, true}
	came := map[place]step{}
	past := map[place]bool{start: true} // whether the place before had it too
	queue := []place{start}
	for len(queue) > 0 && queue[0] != goal {
		p := queue[0]
		queue = queue[1:]
		for _, e := range g.out[p.at] {
			next := place{e.to, p.past || e.kind == through}
			if e.kind&rest == 0 || !in[e.to] || next == start {
				continue
			}
			if _, ok := came[next]; !ok {
				came[next], past[next] = step{p.at, e}, p.past
				queue = append(queue, next)
			}
		}
	}
	if len(queue) == 0 {
		return nil, false
	}
	var way []step
	for p := goal; p != start; {
		s := came[p]
		way = append(way, s)
		p = place{s.from, past[p]}
	}
	slices.Reverse(way)
	return way, true
}

// anomaly tells a cycle. Several real-time edges in a row say no more than one.
func (g *graph) anomaly(kind Kind, cycle []step) Anomaly {
	var short []step
	for _, s := range cycle {
		if last := len(short) - 1; last >= 0 && s.kind == rt && short[last].kind == rt {
			short[last].to = s.to
			continue
		}
		short = append(short, s)
	}
	if kind == GSingle && len(short) == 2 && short[1].kind == wr {
		kind = Fractured
	}
	a := Anomaly{Kind: kind}
	lines := []string{fmt.Sprintf("%d transactions", len(short))}
	for _, s := range short {
		a.Txs = append(a.Txs, g.nodes[s.from].Name)
		lines = append(lines, g.explain(s.from, s.edge))
	}
	for _, s := range short {
		lines = append(lines, g.nodes[s.from].String())
	}
	a.Text = strings.Join(lines, "\n\t")
	return a
}
