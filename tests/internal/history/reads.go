package history

import (
	"fmt"
	"maps"
	"slices"
)

// judgeReads looks at one transaction: whether it agrees with itself, and what it read of others.
func (c *check) judgeReads(n *node) {
	for _, o := range n.Ops {
		if why := n.do(o); why != "" {
			c.odd(Internal, fmt.Sprintf("%s: %s: %s", n.Name, o, why), n.Tx)
		}
	}
	for _, v := range n.views {
		if v.read {
			c.judgeList(n, v)
		}
	}
}

// do follows one operation, and says what is wrong with it.
func (n *node) do(o Op) string {
	i := slices.IndexFunc(n.views, func(v view) bool { return v.key == o.Key })
	if i < 0 {
		i = len(n.views)
		n.views = append(n.views, view{key: o.Key})
	}
	v := &n.views[i]
	switch {
	case o.Append:
		v.own = append(v.own, o.Element)
	case v.read:
		if want := slices.Concat(v.base, v.own); !slices.Equal(o.List, want) {
			return fmt.Sprintf("it had to see %v", want)
		}
	default:
		before := len(o.List) - len(v.own)
		if before < 0 || !slices.Equal(o.List[before:], v.own) {
			return fmt.Sprintf("it does not end with %v, which the transaction had appended", v.own)
		}
		v.read, v.base = true, o.List[:before]
	}
	return ""
}

// judgeList looks at what one list showed. Of each kind the first element is told.
func (c *check) judgeList(n *node, v view) {
	seen, told, parts := map[int]bool{}, map[Kind]bool{}, c.parts(v)
	odd := func(kind Kind, why string, txs ...*Tx) {
		if !told[kind] {
			told[kind] = true
			c.odd(kind, fmt.Sprintf("%s read %s as %v: %s", n.Name, v.key, v.base, why), append([]*Tx{n.Tx}, txs...)...)
		}
	}
	for _, e := range v.base {
		w, ok := c.writers[e]
		switch {
		case !ok || w.key != v.key:
			odd(Garbage, fmt.Sprintf("nobody appended %d to it", e))
		case seen[e]:
			odd(Twice, fmt.Sprintf("%d is there twice", e), w.tx)
		case w.tx == n.Tx:
			odd(Internal, fmt.Sprintf("it had not appended %d yet", e))
		case w.tx.Status == Aborted:
			odd(G1a, fmt.Sprintf("%s, which appended %d, aborted", w.tx.Name, e), w.tx)
		case !slices.Equal(parts[w.tx], *w.all):
			odd(G1b, fmt.Sprintf("%s appended %v", w.tx.Name, *w.all), w.tx)
		}
		seen[e] = true
	}
}

// parts are what a list shows of each transaction's appends.
func (c *check) parts(v view) map[*Tx][]int {
	parts := map[*Tx][]int{}
	for _, e := range v.base {
		if w, ok := c.writers[e]; ok && w.key == v.key {
			parts[w.tx] = append(parts[w.tx], e)
		}
	}
	return parts
}

// order finds the version order of every list: the longest that anybody read or made. Every other must be its begin.
func (c *check) order() {
	longest := map[string]list{}
	var all []list
	for _, n := range c.nodes {
		for _, v := range n.views {
			if !v.read {
				continue
			}
			l := list{n, v, slices.Concat(v.base, v.own)}
			all = append(all, l)
			if have, ok := longest[v.key]; !ok || len(l.shown) > len(have.shown) {
				longest[v.key] = l
			}
		}
	}
	lost := c.lostUpdates(all)
	for _, l := range all {
		best := longest[l.key]
		if !lost[l.key] && !slices.Equal(l.shown, best.shown[:len(l.shown)]) {
			c.odd(IncompatibleOrder, fmt.Sprintf("%s shows %s as %v, and %s as %v: neither begins with the other", l.by.Name, l.key, l.shown, best.by.Name, best.shown), l.by.Tx, best.by.Tx)
		}
	}
	for key, best := range longest {
		for _, e := range best.shown {
			if w := c.writers[e]; w.node != nil && w.key == key && !slices.Contains(c.orders[key], e) {
				c.orders[key] = append(c.orders[key], e)
			}
		}
	}
	c.unseen()
	c.keys = slices.Sorted(maps.Keys(c.orders))
	for key := range c.tails {
		if _, ok := c.orders[key]; !ok {
			c.keys = append(c.keys, key)
		}
	}
	slices.Sort(c.keys)
}

// list is one that somebody read, or made out of what he read.
type list struct {
	by *node
	view
	shown []int
}

// lostUpdates finds those who appended to the very same list: the later ones did not see the first.
func (c *check) lostUpdates(all []list) map[string]bool {
	lost := map[string]bool{}
	first := map[string]list{}
	for _, l := range all {
		if len(l.own) == 0 {
			continue
		}
		same := fmt.Sprint(l.key, l.base)
		if f, ok := first[same]; ok {
			lost[l.key] = true
			c.odd(LostUpdate, fmt.Sprintf("%s and %s both found %s as %v; one appended %v, the other %v", f.by.Name, l.by.Name, l.key, l.base, f.own, l.own), f.by.Tx, l.by.Tx)
			continue
		}
		first[same] = l
	}
	return lost
}

// unseen finds, for each list, what was appended and is in no list that anybody saw. It came after all that was seen; in
// which order, nobody can say.
func (c *check) unseen() {
	for _, n := range c.nodes {
		for _, v := range n.views {
			for _, e := range v.own {
				if !slices.Contains(c.orders[v.key], e) {
					c.tails[v.key] = append(c.tails[v.key], e)
				}
			}
		}
	}
}
