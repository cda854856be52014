package history

// components are the strongly connected ones of more than one transaction, over edges of these kinds (Tarjan, 1972).
func (g *graph) components(kinds edges) [][]int {
	t := &tarjan{graph: g, kinds: kinds, number: make([]int, len(g.nodes)), low: make([]int, len(g.nodes)), open: make([]bool, len(g.nodes))}
	for at := range g.nodes {
		if t.number[at] == 0 {
			t.visit(at)
		}
	}
	return t.found
}

type tarjan struct {
	*graph
	kinds  edges
	last   int
	number []int // in the order of visits, from 1
	low    []int // the lowest number that can be reached from here within the stack
	stack  []int
	open   []bool // on the stack
	found  [][]int
}

func (t *tarjan) visit(at int) {
	t.last++
	t.number[at], t.low[at] = t.last, t.last
	t.stack, t.open[at] = append(t.stack, at), true
	for _, e := range t.out[at] {
		switch {
		case e.kind&t.kinds == 0:
		case t.number[e.to] == 0:
			t.visit(e.to)
			t.low[at] = min(t.low[at], t.low[e.to])
		case t.open[e.to]:
			t.low[at] = min(t.low[at], t.number[e.to])
		}
	}
	if t.low[at] != t.number[at] {
		return
	}
	for i := len(t.stack) - 1; ; i-- {
		t.open[t.stack[i]] = false
		if t.stack[i] == at {
			if len(t.stack)-i > 1 {
				t.found = append(t.found, append([]int(nil), t.stack[i:]...))
			}
			t.stack = t.stack[:i]
			return
		}
	}
}
