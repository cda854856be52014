package history

import (
	"fmt"
	"slices"
)

// edge kinds, as a set.
type edges uint8

const (
	ww edges = 1 << iota
	wr
	rw
	rt

	data = ww | wr | rw
)

func (k edges) String() string {
	return map[edges]string{ww: "ww", wr: "wr", rw: "rw", rt: "rt"}[k]
}

// edge says that one transaction comes before another in every order.
type edge struct {
	to      int
	kind    edges
	key     string
	element int   // of the second
	behind  int   // ww: the element of the first
	list    []int // rw: what the first read
}

// graph has the transactions that count, by place.
type graph struct {
	nodes []*node
	out   [][]edge
}

// graph makes all edges.
func (c *check) graph() *graph {
	g := &graph{nodes: c.nodes, out: make([][]edge, len(c.nodes))}
	for _, key := range c.keys {
		order := c.orders[key]
		for i := 1; i < len(order); i++ {
			g.written(c, order[i-1], order[i], key)
		}
		for _, e := range c.tails[key] {
			if len(order) > 0 {
				g.written(c, order[len(order)-1], e, key)
			}
		}
	}
	for _, n := range c.nodes {
		for _, v := range n.views {
			if v.read {
				g.read(c, n, v)
			}
		}
	}
	g.realTime()
	return g
}

// add adds an edge, the first of its kind between two.
func (g *graph) add(from int, e edge) {
	same := func(o edge) bool { return o.to == e.to && o.kind == e.kind }
	if from != e.to && !slices.ContainsFunc(g.out[from], same) {
		g.out[from] = append(g.out[from], e)
	}
}

func (g *graph) written(c *check, first, second int, key string) {
	a, b := c.writers[first].node, c.writers[second].node
	g.add(a.at, edge{to: b.at, kind: ww, key: key, element: second, behind: first})
}

// read ties a read to the writer of what it saw last, and to the writers of what it saw not yet.
func (g *graph) read(c *check, n *node, v view) {
	order, next := c.orders[v.key], 0
	for _, e := range v.base {
		if i := slices.Index(order, e); i >= 0 {
			next = i + 1
		}
	}
	if len(v.base) > 0 {
		last := v.base[len(v.base)-1]
		if w := c.writers[last]; w.node != nil && w.key == v.key {
			g.add(w.node.at, edge{to: n.at, kind: wr, key: v.key, element: last})
		}
	}
	later := c.tails[v.key]
	if next < len(order) {
		later = order[next : next+1]
	}
	for _, e := range later {
		if !slices.Contains(v.base, e) {
			g.add(n.at, edge{to: c.writers[e].node.at, kind: rw, key: v.key, element: e, list: v.base})
		}
	}
}

// realTime ties what had ended to what then began; not where others in between say the same already.
func (g *graph) realTime() {
	ends := slices.Clone(g.nodes)
	slices.SortFunc(ends, func(a, b *node) int {
		if a.End != b.End {
			if a.End < b.End {
				return -1
			}
			return 1
		}
		return a.at - b.at
	})
	var latest []*node // ended, and nobody who began after its end has
	for _, n := range g.nodes {
		for len(ends) > 0 && ends[0].End < n.Begin {
			e := ends[0]
			ends = ends[1:]
			latest = slices.DeleteFunc(latest, func(l *node) bool { return l.End < e.Begin })
			latest = append(latest, e)
		}
		for _, l := range latest {
			g.add(l.at, edge{to: n.at, kind: rt})
		}
	}
}

func (g *graph) edges() (n Edges) {
	for _, out := range g.out {
		for _, e := range out {
			switch e.kind {
			case ww:
				n.WriteWrite++
			case wr:
				n.WriteRead++
			case rw:
				n.ReadWrite++
			case rt:
				n.RealTime++
			}
		}
	}
	return n
}

// explain says what an edge is about.
func (g *graph) explain(from int, e edge) string {
	a, b := g.nodes[from], g.nodes[e.to]
	why := ""
	switch e.kind {
	case ww:
		why = fmt.Sprintf("%s appended %d to %s, behind the %d of %s", b.Name, e.element, e.key, e.behind, a.Name)
	case wr:
		why = fmt.Sprintf("%s found %d in %s, which %s appended", b.Name, e.element, e.key, a.Name)
	case rw:
		why = fmt.Sprintf("%s read %s as %v, without the %d that %s appended", a.Name, e.key, e.list, e.element, b.Name)
	default:
		why = fmt.Sprintf("%s had ended at %v, and %s began at %v", a.Name, a.End, b.Name, b.Begin)
	}
	return fmt.Sprintf("%s ─%s▶ %s: %s", a.Name, e.kind, b.Name, why)
}
