package protocol

import (
	"iter"
	"math/bits"
)

// Set is a set of branches of one transaction, by index below txc.MaxBranches.
type Set uint64

// First returns the set of the n lowest indexes.
func First(n int) Set {
	if n >= 64 {
		return ^Set(0)
	}
	return 1<<n - 1
}

// One returns the set of i alone.
func One(i int) Set { return 1 << i }

// Has reports whether i is in s.
func (s Set) Has(i int) bool { return s>>i&1 == 1 }

// With returns s and i.
func (s Set) With(i int) Set { return s | 1<<i }

// Without returns s less i.
func (s Set) Without(i int) Set { return s &^ (1 << i) }

// Len counts the members.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// All yields the members in ascending order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(bits.TrailingZeros64(uint64(s))) {
				return
			}
		}
	}
}
