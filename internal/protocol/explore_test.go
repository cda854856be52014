package protocol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A model is a world of states, small enough to walk through all of them. States are values; next is deterministic.
type model[S any] struct {
	start S
	next  func(from S, out *steps[S])
	key   func(S) uint64 // states with one key are one state, but for the names of things
	wrong func(S) string // a rule that the state breaks; "": none
	done  func(S) bool   // nothing is left to be done
	limit int            // states, at most: a model that grew beyond it is a mistake of its author
}

// steps collects what can follow one state.
type steps[S any] struct {
	all   []step[S]
	trace bool // say what happens, in words
}

type step[S any] struct {
	to    S
	what  string // if trace
	wrong string // a rule that the step itself breaks
	fault bool   // must not be needed in order to finish
}

// found is what a walk through all states tells.
type found struct {
	states, edges int
	depth         int
	wrong         string   // the first rule broken; "": none
	transcript    []string // a shortest way there, or to a state that cannot finish
}

// walk goes through every reachable state, breadth first, so that what it shows of a broken rule is a shortest way.
func walk[S any](m model[S]) found {
	w := walker[S]{model: m, ids: map[uint64]int32{}}
	w.add(m.start, -1, 0)
	if wrong := m.wrong(m.start); wrong != "" {
		return found{states: 1, wrong: wrong}
	}
	var out steps[S]
	for level := w.fresh; len(level) > 0; level = w.fresh {
		w.fresh, w.depth = nil, w.depth+1
		for _, n := range level {
			out.all = out.all[:0]
			m.next(n.state, &out)
			for i := range out.all {
				st := &out.all[i]
				id, isNew := w.add(st.to, n.id, i)
				if st.wrong == "" && isNew {
					st.wrong = m.wrong(st.to)
				}
				if st.wrong != "" {
					return w.result(st.wrong, w.path(n.id, i))
				}
				if !st.fault {
					w.edges = append(w.edges, edge{n.id, id})
				}
			}
			if m.limit > 0 && len(w.nodes) > m.limit {
				return w.result(fmt.Sprintf("more than %d states", m.limit), nil)
			}
		}
	}
	if stuck := w.stuck(); stuck >= 0 {
		return w.result("cannot finish any more", w.path(stuck, -1))
	}
	return w.result("", nil)
}

type walker[S any] struct {
	model[S]
	ids   map[uint64]int32
	nodes []node
	fresh []born[S]
	edges []edge // of steps that are no faults
	depth int
}

type node struct {
	parent int32
	choice int32 // which of the parent's steps
	done   bool
}

type born[S any] struct {
	id    int32
	state S
}

type edge struct{ from, to int32 }

func (w *walker[S]) add(s S, parent int32, choice int) (id int32, isNew bool) {
	key := w.key(s)
	if id, ok := w.ids[key]; ok {
		return id, false
	}
	id = int32(len(w.nodes))
	w.ids[key] = id
	w.nodes = append(w.nodes, node{parent, int32(choice), w.done(s)})
	w.fresh = append(w.fresh, born[S]{id, s})
	return id, true
}

func (w *walker[S]) result(wrong string, transcript []string) found {
	return found{states: len(w.nodes), edges: len(w.edges), depth: w.depth, wrong: wrong, transcript: transcript}
}

// stuck finds a state from which no state that is done can be reached without another fault; -1: there is none.
func (w *walker[S]) stuck() int32 {
	first := make([]int32, len(w.nodes)+1) // first[n]: where the edges into n start in into
	for _, e := range w.edges {
		first[e.to+1]++
	}
	for i := range w.nodes {
		first[i+1] += first[i]
	}
	into, fill := make([]int32, len(w.edges)), make([]int32, len(w.nodes))
	for _, e := range w.edges {
		into[first[e.to]+fill[e.to]] = e.from
		fill[e.to]++
	}
	can, todo := make([]bool, len(w.nodes)), []int32(nil)
	reach := func(n int32) {
		if !can[n] {
			can[n] = true
			todo = append(todo, n)
		}
	}
	for i := range w.nodes {
		if w.nodes[i].done {
			reach(int32(i))
		}
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, from := range into[first[n]:first[n+1]] {
			reach(from)
		}
	}
	for i := range can {
		if !can[i] {
			return int32(i)
		}
	}
	return -1
}

// path walks once more to a node, and one step further if last is not negative, and writes down what happens.
func (w *walker[S]) path(to int32, last int) []string {
	var choices []int
	if last >= 0 {
		choices = append(choices, last)
	}
	for n := to; w.nodes[n].parent >= 0; n = w.nodes[n].parent {
		choices = append(choices, int(w.nodes[n].choice))
	}
	var lines []string
	s := w.start
	for i := len(choices) - 1; i >= 0; i-- {
		out := steps[S]{trace: true}
		w.next(s, &out)
		st := out.all[choices[i]]
		lines = append(lines, st.what)
		s = st.to
	}
	return lines
}

// explore walks through a model, and fails with the shortest counterexample where a rule breaks.
func explore[S any](t *testing.T, name string, m model[S]) found {
	t.Helper()
	began := time.Now()
	f := walk(m)
	t.Logf("%s: %d states, %d steps, %d deep, %v", name, f.states, f.edges, f.depth, time.Since(began).Round(time.Millisecond))
	if f.wrong != "" {
		t.Errorf("%s: %s\n%s", name, f.wrong, f)
	}
	return f
}

func (f found) String() string {
	var b strings.Builder
	for i, line := range f.transcript {
		fmt.Fprintf(&b, "%3d  %s\n", i+1, line)
	}
	return b.String()
}
