package engine

// Mode says how a lock is held.
type Mode uint8

// The modes. Shared locks go together; an exclusive one goes with nothing.
const (
	Shared Mode = iota + 1
	Exclusive
)

// Age orders branches for wait-die: by the time of the transaction's first attempt, then by name. It is total.
type Age struct {
	At   uint64 // smaller is older
	Name Name
}

// Older reports whether a came before b.
func (a Age) Older(b Age) bool {
	if a.At != b.At {
		return a.At < b.At
	}
	return a.Name.Compare(b.Name) < 0
}

// Owner is who holds and waits for locks.
type Owner struct {
	Age Age
	// Promised: it waits for no lock any more, and a decision is about to release those that it has. It is set when
	// the branch has run to its end and only its promise's write, or the decision, is missing.
	Promised bool

	branch *branch
	held   []*lock
	wait   *lock
	wants  Mode
}

// Waiting reports whether the owner waits for a lock.
func (o *Owner) Waiting() bool { return o.wait != nil }

// Verdict is the answer to a request for a lock.
type Verdict uint8

// The verdicts.
const (
	Granted Verdict = iota + 1
	Waits           // it is older than everyone that it waits for
	Pauses          // it is younger than promised holders alone: it may wait for a short time
	Dies            // it is younger than someone whom it would wait for
)

// Locks is the lock table: rigorous two-phase locking (S1) with wait-die (S3). Keys need not exist. Requests for one
// key are granted in the order in which they came: nobody overtakes a waiter with whom he conflicts.
//
// Why no deadlock lasts: whoever waits is older than everyone that he waits for, holders and waiters ahead alike, so
// that a circle of waiters would have a member older than himself. The exception, a younger one before promised
// holders, ends after a short time by itself.
type Locks struct {
	keys    map[string]*lock
	held    int
	waiting int
	free    []*lock
}

type lock struct {
	key     string
	mode    Mode // of the holders
	holders []*Owner
	queue   []*Owner // in the order of their requests
}

// maxFree bounds the locks that are kept for reuse.
const maxFree = 4096

// NewLocks makes an empty table.
func NewLocks() *Locks { return &Locks{keys: make(map[string]*lock)} }

// Held is the number of locks that are held, each counted once per holder.
func (t *Locks) Held() int { return t.held }

// Waiting is the number of owners that wait.
func (t *Locks) Waiting() int { return t.waiting }

// Acquire asks for a lock for an owner that waits for none. A lock that is held already, in this mode or a stronger
// one, is granted again. After Dies nothing has changed.
func (t *Locks) Acquire(o *Owner, key []byte, m Mode) Verdict {
	l := t.keys[string(key)]
	if l == nil {
		l = t.fresh(string(key))
	}
	upgrade := l.heldBy(o)
	if upgrade && (l.mode == Exclusive || m == Shared) {
		return Granted
	}
	if upgrade && len(l.holders) == 1 {
		l.mode = Exclusive // who waits for it, waits for o already
		return Granted
	}
	v := l.judge(o, m, len(l.queue))
	switch v {
	case Granted:
		t.hold(l, o, m)
	case Waits, Pauses:
		l.queue = append(l.queue, o)
		o.wait, o.wants = l, m
		t.waiting++
	case Dies: // a lock that was just made has no holder to die of: it is never left over
	}
	return v
}

// Judge tells how an owner that waits stands now: Granted is not among the answers.
func (t *Locks) Judge(o *Owner) Verdict {
	for i, w := range o.wait.queue {
		if w == o {
			if v := o.wait.judge(o, o.wants, i); v != Granted {
				return v
			}
		}
	}
	return Waits
}

// judge says whether o may have the lock, or wait behind the first ahead waiters.
func (l *lock) judge(o *Owner, m Mode, ahead int) Verdict {
	v := Granted
	if m == Exclusive || l.mode == Exclusive {
		for _, h := range l.holders {
			switch {
			case h == o:
				continue
			case !o.Age.Older(h.Age) && !h.Promised:
				return Dies
			case !o.Age.Older(h.Age):
				v = Pauses
			case v == Granted:
				v = Waits
			}
		}
	}
	for _, w := range l.queue[:ahead] {
		if m == Shared && w.wants == Shared {
			continue // whatever holds w up is ahead of o as well, and judged there
		}
		if !o.Age.Older(w.Age) {
			return Dies
		}
		if v == Granted {
			v = Waits
		}
	}
	return v
}

// Release gives back all that an owner holds or waits for, and appends to granted those whose request was granted by
// it, in order.
func (t *Locks) Release(o *Owner, granted []*Owner) []*Owner {
	if l := o.wait; l != nil {
		l.queue = without(l.queue, o)
		o.wait = nil
		t.waiting--
		granted = t.grant(l, granted)
	}
	for i, l := range o.held {
		l.holders = without(l.holders, o)
		t.held--
		granted = t.grant(l, granted)
		o.held[i] = nil
	}
	o.held = o.held[:0]
	return granted
}

// grant gives a lock to the waiters at the front of its queue, as far as they go together with the holders.
func (t *Locks) grant(l *lock, granted []*Owner) []*Owner {
	for len(l.queue) > 0 {
		o := l.queue[0]
		others := len(l.holders)
		if l.heldBy(o) {
			others--
		}
		if others > 0 && (o.wants == Exclusive || l.mode == Exclusive) {
			return granted
		}
		l.queue = without(l.queue, o)
		o.wait = nil
		t.waiting--
		t.hold(l, o, o.wants)
		granted = append(granted, o)
	}
	if len(l.holders) == 0 {
		t.drop(l)
	}
	return granted
}

func (t *Locks) hold(l *lock, o *Owner, m Mode) {
	if len(l.holders) == 0 || m == Exclusive {
		l.mode = m
	}
	if l.heldBy(o) {
		return
	}
	l.holders = append(l.holders, o)
	o.held = append(o.held, l)
	t.held++
}

func (l *lock) heldBy(o *Owner) bool {
	for _, h := range l.holders {
		if h == o {
			return true
		}
	}
	return false
}

func (t *Locks) fresh(key string) *lock {
	l := &lock{}
	if n := len(t.free); n > 0 {
		l, t.free = t.free[n-1], t.free[:n-1]
	}
	l.key, l.mode = key, 0
	t.keys[key] = l
	return l
}

func (t *Locks) drop(l *lock) {
	delete(t.keys, l.key)
	if len(t.free) < maxFree {
		t.free = append(t.free, l)
	}
}

// without removes o and keeps the order.
func without(list []*Owner, o *Owner) []*Owner {
	for i, x := range list {
		if x == o {
			copy(list[i:], list[i+1:])
			list[len(list)-1] = nil
			return list[:len(list)-1]
		}
	}
	return list
}
