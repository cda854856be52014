package simulation

import "time"

// schedule is virtual time: a heap of what is to happen. What is due at one instant happens in the order in which it was
// scheduled.
type schedule struct {
	now   time.Duration
	count uint64 // scheduled so far
	heap  []scheduled
}

type scheduled struct {
	at     time.Duration
	number uint64
	run    func()
}

func (s *scheduled) before(o *scheduled) bool {
	return s.at < o.at || s.at == o.at && s.number < o.number
}

// after schedules f.
func (s *schedule) after(d time.Duration, f func()) {
	s.count++
	s.heap = append(s.heap, scheduled{s.now + max(d, 0), s.count, f})
	h := s.heap
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

// next takes what is due first, and lets time pass until then.
func (s *schedule) next() func() {
	h := s.heap
	first, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = scheduled{}
	h = h[:last]
	s.heap = h
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	s.now = first.at
	return first.run
}
