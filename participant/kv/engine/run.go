package engine

import (
	"fmt"
	"strconv"

	"github.com/txc-dev/txc"
)

// run is the execution of one branch's operations, in order; later ones see what earlier ones did. It stops where a
// lock has to be waited for, and goes on from there.
type run struct {
	ops   []Op
	slots []slot // one per key, in the order of first use
	slot  []int  // of each operation
	next  int    // the operation to execute
	out   []byte // results so far, encoded
	work  []byte // of an opaque store: instead of operations
}

// slot is what a branch knows of one key.
type slot struct {
	key     []byte
	mode    Mode // the strongest that any operation needs: asked for at once, so that no lock is upgraded
	locked  bool
	loaded  bool // present and value are known
	written bool
	present bool
	value   []byte
}

// manyOps is where finding a key's slot by a map beats looking through the slots.
const manyOps = 16

// plan gives every key its slot.
func (r *run) plan() {
	r.slots, r.slot, r.next, r.out = r.slots[:0], r.slot[:0], 0, nil
	var index map[string]int
	if len(r.ops) > manyOps {
		index = make(map[string]int, len(r.ops))
	}
	for i := range r.ops {
		op := &r.ops[i]
		s := r.find(op.Key, index)
		if s < 0 {
			s = len(r.slots)
			r.slots = append(r.slots, slot{key: op.Key, mode: Shared})
			if index != nil {
				index[string(op.Key)] = s
			}
		}
		if op.Kind != Get && op.Kind != Check {
			r.slots[s].mode = Exclusive
		}
		r.slot = append(r.slot, s)
	}
}

// more gives a run further operations. A key that was only read so far may have to be locked anew, to be written.
func (r *run) more(ops []Op) {
	r.ops, r.slot, r.next, r.out = append(r.ops[:0], ops...), r.slot[:0], 0, nil
	for i := range ops {
		s := r.find(ops[i].Key, nil)
		if s < 0 {
			s = len(r.slots)
			r.slots = append(r.slots, slot{key: ops[i].Key, mode: Shared})
		}
		if k := ops[i].Kind; k != Get && k != Check && r.slots[s].mode == Shared {
			r.slots[s].mode, r.slots[s].locked = Exclusive, false
		}
		r.slot = append(r.slot, s)
	}
}

// rest gives what the operations have read, and keeps of the values that were only read none: a branch that calls work on may
// stay for long. They are read again when need be, and are the same, for their keys are locked.
func (r *run) rest() (out []byte) {
	for _, i := range r.slot {
		if s := &r.slots[i]; !s.written {
			s.loaded, s.value = false, nil
		}
	}
	out, r.out = r.out, nil
	return out
}

func (r *run) find(key []byte, index map[string]int) int {
	if index != nil {
		if i, ok := index[string(key)]; ok {
			return i
		}
		return -1
	}
	for i := range r.slots {
		if string(r.slots[i].key) == string(key) {
			return i
		}
	}
	return -1
}

// do executes one operation whose key is locked. A reason that is not zero is the vote No.
func (r *run) do(i int, read Reader) (txc.Reason, error) {
	op, s := &r.ops[i], &r.slots[r.slot[i]]
	if !s.loaded && op.Kind != Put && op.Kind != Delete {
		value, found, err := read.Get(DataKey(op.Key))
		if err != nil {
			return txc.Reason{}, fmt.Errorf("read %q: %w", shown(op.Key), err)
		}
		s.loaded, s.present, s.value = true, found, value
	}
	switch op.Kind {
	case Put:
		s.set(op.Value, true)
	case Delete:
		s.set(nil, false)
	case Get:
		res := Result{Op: uint32(i), Kind: kindGet, Key: op.Key, Found: s.present}
		if s.present {
			res.Value = s.value
		}
		r.out = appendResult(r.out, res)
		if len(r.out) > txc.MaxBranchRes {
			return reason(txc.CodeBadWork, "the values read are more than %d bytes", txc.MaxBranchRes), nil
		}
	case Add:
		return s.add(op), nil
	case Check:
		return s.check(op), nil
	}
	return txc.Reason{}, nil
}

func (s *slot) set(value []byte, present bool) {
	s.loaded, s.written, s.present, s.value = true, true, present, value
}

func (s *slot) add(op *Op) txc.Reason {
	old := int64(0)
	if s.present {
		n, ok := decimal(s.value)
		if !ok {
			return reason(txc.CodeRefused, "add to %q: its value is not an integer", shown(op.Key))
		}
		old = n
	}
	sum := old + op.By
	switch {
	case (sum > old) != (op.By > 0) && op.By != 0:
		return reason(txc.CodeRefused, "add to %q: %d and %d overflow", shown(op.Key), old, op.By)
	case op.HasMin && sum < op.Min:
		return reason(txc.CodeRefused, "add to %q: %d and %d is below %d", shown(op.Key), old, op.By, op.Min)
	case op.HasMax && sum > op.Max:
		return reason(txc.CodeRefused, "add to %q: %d and %d is above %d", shown(op.Key), old, op.By, op.Max)
	}
	s.set(strconv.AppendInt(nil, sum, 10), true)
	return txc.Reason{}
}

func (s *slot) check(op *Op) txc.Reason {
	switch {
	case op.Exists && !s.present:
		return reason(txc.CodeRefused, "check of %q: it does not exist", shown(op.Key))
	case !op.Exists && s.present:
		return reason(txc.CodeRefused, "check of %q: it exists", shown(op.Key))
	case op.HasValue && string(op.Value) != string(s.value):
		return reason(txc.CodeRefused, "check of %q: it has another value", shown(op.Key))
	}
	return txc.Reason{}
}

// wrote reports whether the operations changed anything.
func (r *run) wrote() bool {
	if len(r.work) > 0 {
		return true
	}
	for i := range r.slots {
		if r.slots[i].written {
			return true
		}
	}
	return false
}

// stage puts what was done, and what was locked, into an intent.
func (r *run) stage(n *Intent) {
	n.Work = r.work
	for i := range r.slots {
		s := &r.slots[i]
		if s.written {
			n.Writes = append(n.Writes, Write{Key: s.key, Value: s.value, Gone: !s.present})
		} else {
			n.Reads = append(n.Reads, s.key)
		}
	}
}

// reset lets go of the work that the run looked at.
func (r *run) reset() {
	clear(r.ops)
	clear(r.slots)
	r.ops, r.slots, r.slot, r.next, r.out, r.work = r.ops[:0], r.slots[:0], r.slot[:0], 0, nil, nil
}

func reason(code txc.Code, format string, args ...any) txc.Reason {
	return txc.Reason{Code: code, Text: fmt.Sprintf(format, args...), Retryable: code.Retryable()}
}
