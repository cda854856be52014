package participant

import "sync"

// pool runs what blocks, in a bounded number of goroutines. Deeds that end branches go first, and some workers are
// theirs alone: a Prepare may wait for locks that only a Commit lets go of.
type pool struct {
	mu       sync.Mutex
	urgent   []func()
	patient  []func() // Prepares
	workers  int
	running  int
	patients int // of running
	wg       sync.WaitGroup
}

// reserved is the part of the workers that no Prepare may take: a quarter.
const reserved = 4

// do runs job soon. It never blocks; what it queues is bounded by the branches that the core admits.
func (p *pool) do(urgent bool, job func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if urgent {
		p.urgent = append(p.urgent, job)
	} else {
		p.patient = append(p.patient, job)
	}
	if p.running < p.workers && (urgent || p.patients < p.workers-p.workers/reserved) {
		p.running++
		p.wg.Go(p.work)
	}
}

// work runs jobs until none is left for it.
func (p *pool) work() {
	for {
		job, patient := p.take()
		if job == nil {
			return
		}
		job()
		if patient {
			p.mu.Lock()
			p.patients--
			p.mu.Unlock()
		}
	}
}

func (p *pool) take() (job func(), patient bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.urgent) > 0:
		job, p.urgent = pop(p.urgent)
		return job, false
	case len(p.patient) > 0 && p.patients < p.workers-p.workers/reserved:
		job, p.patient = pop(p.patient)
		p.patients++
		return job, true
	default:
		p.running--
		return nil, false
	}
}

func pop(queue []func()) (func(), []func()) {
	job := queue[0]
	queue[0] = nil
	if len(queue) == 1 {
		return job, queue[:0:0]
	}
	return job, queue[1:]
}

// wait returns when everything that was given to do has ended. Nothing may be given meanwhile.
func (p *pool) wait() { p.wg.Wait() }
