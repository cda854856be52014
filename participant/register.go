package participant

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/txc-dev/txc"
)

// Pauses and limits of registration and of unary questions.
const (
	registerMin = 200 * time.Millisecond // the first pause between two tries
	registerMax = time.Second            // the last
	askLimit    = 5 * time.Second        // one try, one question
)

// registrar keeps one coordinator told of this participant.
type registrar struct {
	Coordinator
	again chan struct{} // one place

	mu     sync.Mutex
	number uint32 // 0: it has not answered yet
}

// register starts a registrar.
func (a *Agent) register(c Coordinator) {
	r := &registrar{Coordinator: c, again: make(chan struct{}, 1)}
	a.registrars = append(a.registrars, r)
	a.wg.Go(func() {
		// A coordinator that takes a registration and hangs up, over and over, is told of us at growing intervals.
		for pause := time.Duration(0); ; {
			began := time.Now()
			if !a.registerOnce(r) || !a.rest(pause) {
				return
			}
			select {
			case <-r.again:
			case <-a.quit:
				return
			}
			pause = min(max(2*pause, registerMin), registerMax)
			if time.Since(began) > registerMax {
				pause = 0
			}
		}
	})
}

// registerOnce tries until it succeeds; false: the agent has ended.
func (a *Agent) registerOnce(r *registrar) bool {
	pause := registerMin
	said := "" // the last trouble that was logged
	for {
		opening, err := a.tryRegister(r)
		if err == nil {
			r.mu.Lock()
			r.number = opening.Coordinator
			r.mu.Unlock()
			a.o.Logger.Info("registered", "participant", a.o.Name, "coordinator", opening.Coordinator, "epoch", opening.Epoch)
			return true
		}
		if err.Error() != said {
			said = err.Error()
			a.o.Logger.Warn("register: will be retried", "participant", a.o.Name, "err", err)
		}
		if !a.rest(pause/2 + rand.N(pause/2+1)) {
			return false
		}
		pause = min(2*pause, registerMax)
	}
}

// rest waits; false: the agent has ended.
func (a *Agent) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-a.quit:
		return false
	}
}

func (a *Agent) tryRegister(r *registrar) (Opening, error) {
	if err := a.pass(PointRegister, txc.ID{}, 0); err != nil {
		return Opening{}, err
	}
	ctx, end := a.cancels.within(context.Background(), askLimit)
	defer end()
	self := a.self
	if a.stamper != nil {
		self.Stamp = a.stamper.Stamp()
	}
	opening, err := r.Register(ctx, self)
	if gated := a.pass(PointRegistered, txc.ID{}, 0); gated != nil {
		return opening, gated
	}
	return opening, err
}

// registerAgain has a coordinator told once more: its link has closed, and it may have started anew, empty.
func (a *Agent) registerAgain(number uint32) {
	if r := a.registrarOf(number); r != nil {
		select {
		case r.again <- struct{}{}:
		default:
		}
	}
}

func (a *Agent) registrarOf(number uint32) *registrar {
	for _, r := range a.registrars {
		r.mu.Lock()
		found := r.number == number
		r.mu.Unlock()
		if found {
			return r
		}
	}
	return nil
}

// inquire puts a question without a link. The core bounds how many there are at once.
func (a *Agent) inquire(q Inquire) {
	told := func(d Decision, err error) {
		if gated := a.pass(PointInquired, q.Question.ID, q.Question.Mark); gated != nil {
			err = gated
		}
		a.inbox.put(Told{ID: q.Question.ID, Mark: q.Question.Mark, Told: d, Err: err})
	}
	if err := a.pass(PointInquire, q.Question.ID, q.Question.Mark); err != nil {
		told(Decision{}, err)
		return
	}
	r := a.registrarOf(q.Coordinator)
	if r == nil {
		told(Decision{}, fmt.Errorf("%w: coordinator %d has not answered a registration yet", txc.ErrUnavailable, q.Coordinator))
		return
	}
	a.wg.Go(func() {
		ctx, end := a.cancels.within(context.Background(), askLimit)
		defer end()
		d, err := r.Inquire(ctx, q.Question)
		if errors.Is(err, txc.ErrNotFound) { // it does not know us: a coordinator that lost its log, or another one
			a.registerAgain(q.Coordinator)
		}
		told(d, err)
	})
}
