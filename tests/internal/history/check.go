package history

import (
	"cmp"
	"fmt"
	"slices"
)

// Check looks for anomalies. The error says that the history itself is malformed: a name or an element twice, an end
// before its begin, or one of what nobody knows the end of.
func Check(txs []Tx) (Result, error) {
	c := &check{writers: map[int]write{}, orders: map[string][]int{}, tails: map[string][]int{}}
	if err := c.index(txs); err != nil {
		return Result{}, err
	}
	c.count(txs)
	for _, n := range c.nodes {
		c.judgeReads(n)
	}
	c.order()
	g := c.graph()
	c.found = append(c.found, g.cycles()...)
	return Result{Anomalies: c.found, Counted: len(c.nodes), Edges: g.edges()}, nil
}

// check is one run.
type check struct {
	writers map[int]write    // by element
	nodes   []*node          // what counts, by begin
	orders  map[string][]int // each list's elements that were seen, in the order of its versions, those of nodes alone
	tails   map[string][]int // and those that nobody saw, in no order
	keys    []string         // of all lists, in order
	found   []Anomaly
}

// write is where an element comes from.
type write struct {
	tx   *Tx
	key  string
	all  *[]int // its transaction's appends to this list, in order
	node *node  // nil: its transaction does not count
}

// node is a transaction that counts as committed.
type node struct {
	*Tx
	at    int // its place among the nodes
	views []view
}

// view is what a transaction had to do with one list.
type view struct {
	key  string
	read bool
	base []int // what it read, without what it had appended itself
	own  []int // what it appended
}

// index notes who appended what.
func (c *check) index(txs []Tx) error {
	names := map[string]bool{}
	for i := range txs {
		t := &txs[i]
		switch {
		case names[t.Name]:
			return fmt.Errorf("malformed history: %s is there twice", t.Name)
		case t.End < t.Begin:
			return fmt.Errorf("malformed history: %s ends before it begins", t.Name)
		case t.Status == Unknown && t.End != Forever:
			return fmt.Errorf("malformed history: nobody knows how %s ended, but when", t.Name)
		}
		names[t.Name] = true
		all := map[string]*[]int{}
		for _, o := range t.Ops {
			if !o.Append {
				continue
			}
			if w, ok := c.writers[o.Element]; ok {
				return fmt.Errorf("malformed history: %s and %s both append %d", w.tx.Name, t.Name, o.Element)
			}
			if all[o.Key] == nil {
				all[o.Key] = new([]int)
			}
			*all[o.Key] = append(*all[o.Key], o.Element)
			c.writers[o.Element] = write{tx: t, key: o.Key, all: all[o.Key]}
		}
	}
	return nil
}

// count finds what counts as committed: what has, and, of what may have, whatever the others have read of.
func (c *check) count(txs []Tx) {
	counted := map[*Tx]bool{}
	var queue []*Tx
	add := func(t *Tx) {
		if !counted[t] {
			counted[t] = true
			queue = append(queue, t)
		}
	}
	for i := range txs {
		if txs[i].Status == Committed {
			add(&txs[i])
		}
	}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		for _, o := range t.Ops {
			for _, e := range o.List {
				if w, ok := c.writers[e]; ok && w.tx.Status == Unknown {
					add(w.tx)
				}
			}
		}
	}
	for i := range txs {
		if counted[&txs[i]] {
			c.nodes = append(c.nodes, &node{Tx: &txs[i]})
		}
	}
	slices.SortFunc(c.nodes, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.Name, b.Name))
	})
	for i, n := range c.nodes {
		n.at = i
		for _, o := range n.Ops {
			if o.Append {
				w := c.writers[o.Element]
				w.node = n
				c.writers[o.Element] = w
			}
		}
	}
}

func (c *check) odd(kind Kind, text string, txs ...*Tx) {
	a := Anomaly{Kind: kind, Text: text}
	for _, t := range txs {
		a.Txs = append(a.Txs, t.Name)
	}
	c.found = append(c.found, a)
}
