package simulation

import "time"

// process is what coordinators and participants have in common: it lives and dies, is stopped and goes on, has a wall
// clock of its own, and is run when something came for it or its time has come.
type process struct {
	w      *World
	name   string
	up     bool
	life   int           // counts boots and deaths: what belongs to an earlier one is dropped
	frozen time.Duration // stopped until then, as by SIGSTOP: what comes meanwhile waits
	skew   time.Duration // of its wall clock
	poked  bool
	wakeAt time.Duration
	run    func()
}

// clock is what its time.Now gives.
func (p *process) clock() time.Time { return instant(p.w.now, p.skew) }

// born begins a life.
func (p *process) born() {
	p.life++
	p.up, p.poked, p.wakeAt, p.frozen = true, false, 0, 0
}

func (p *process) dies() {
	p.life++
	p.up = false
}

// later schedules f unless the process dies before.
func (p *process) later(d time.Duration, f func()) {
	life := p.life
	p.w.after(d, func() {
		if p.life == life {
			f()
		}
	})
}

// poke has it run soon.
func (p *process) poke() {
	if p.poked || !p.up {
		return
	}
	p.poked = true
	p.later(max(p.w.between(0, 50*time.Microsecond), p.frozen-p.w.now), func() {
		if p.frozen > p.w.now { // stopped since
			p.poked = false
			p.poke()
			return
		}
		p.poked = false
		p.run()
	})
}

// wake has it run at a time, unless it is to run earlier anyway.
func (p *process) wake(at time.Duration) {
	at = max(at, p.w.now+time.Microsecond)
	if p.wakeAt > p.w.now && p.wakeAt <= at {
		return
	}
	p.wakeAt = at
	p.later(at-p.w.now, func() {
		if p.wakeAt == at {
			p.wakeAt = 0
			p.poke()
		}
	})
}
