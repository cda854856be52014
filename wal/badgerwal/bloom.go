package badgerwal

// bloom is a filter of hashes: what it does not have was never added; what it has may be.
type bloom []byte

// Ten bits and seven probes for each key: about one look in a hundred is in vain.
const (
	bloomBits   = 10
	bloomProbes = 7
)

func newBloom(keys int) bloom { return make(bloom, (keys*bloomBits+7)/8+1) }

func (f bloom) add(h uint64) {
	f.probe(h, func(i uint64) bool { f[i/8] |= 1 << (i % 8); return true })
}

func (f bloom) has(h uint64) bool {
	return f.probe(h, func(i uint64) bool { return f[i/8]&(1<<(i%8)) != 0 })
}

// probe visits the bits of a hash until see is false for one.
func (f bloom) probe(h uint64, see func(bit uint64) bool) bool {
	if len(f) == 0 {
		return false
	}
	step := h>>32 | 1
	for range bloomProbes {
		if !see(h % (uint64(len(f)) * 8)) {
			return false
		}
		h += step
	}
	return true
}

// hashKey is FNV-1a, which stands on disk inside filters.
func hashKey(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return h
}
