package coordinator

import "sync"

// submission is a batch of requests whose answers are owed.
type submission struct {
	c        *Coordinator
	done     func(i int, r Result, err error)
	requests []submitted
	left     int // the owner's
}

// submitted is the token of one request.
type submitted struct {
	of   *submission
	i    int
	told bool
}

func (s *submitted) answer(a *Answered) {
	b := s.of
	s.told = true
	b.done(s.i, a.Result, a.Err)
	if b.left--; b.left == 0 {
		b.c.submissions.remove(b)
	}
}

// refuse answers all that was not answered.
func (b *submission) refuse(err error) {
	for i := range b.requests {
		if !b.requests[i].told {
			b.requests[i].told = true
			b.done(i, Result{}, err)
		}
	}
}

// submissions are those that are owed an answer.
type submissions struct {
	mu   sync.Mutex
	all  map[*submission]bool
	shut bool
}

func (s *submissions) add(b *submission) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return false
	}
	if s.all == nil {
		s.all = map[*submission]bool{}
	}
	s.all[b] = true
	return true
}

func (s *submissions) remove(b *submission) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was = s.all[b]
	delete(s.all, b)
	return was
}

// abandon ends them: the owner has gone, and nobody else answers.
func (s *submissions) abandon(err error) {
	s.mu.Lock()
	all := s.all
	s.all, s.shut = nil, true
	s.mu.Unlock()
	for b := range all {
		b.refuse(err)
	}
}
