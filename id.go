package txc

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// ID names a transaction: c<coordinator>.<epoch>.<sequence>. Coordinator, epoch and sequence start at 1, so the zero
// ID is no id. Number and epoch order ids inside one coordinator only. It is a name, not a secret.
type ID struct {
	Coordinator, Epoch uint32
	Sequence           uint64
}

// ParseID reads the canonical form only: no leading zeros, no signs, no blanks. The error wraps ErrInvalid.
func ParseID(s string) (ID, error) {
	bad := func() (ID, error) {
		return ID{}, fmt.Errorf("%w: %q is not a transaction id such as c1.7.1042", ErrInvalid, s)
	}
	rest, ok := strings.CutPrefix(s, "c")
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 3 {
		return bad()
	}
	var id ID
	for i, bits := range [3]int{32, 32, 64} {
		n, err := strconv.ParseUint(parts[i], 10, bits)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != parts[i] {
			return bad()
		}
		switch i {
		case 0:
			id.Coordinator = uint32(n)
		case 1:
			id.Epoch = uint32(n)
		default:
			id.Sequence = n
		}
	}
	return id, nil
}

// String is the canonical form; it parses back to the same id unless a part is zero.
func (id ID) String() string {
	b := make([]byte, 0, 32)
	b = append(b, 'c')
	b = strconv.AppendUint(b, uint64(id.Coordinator), 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(id.Epoch), 10)
	b = append(b, '.')
	return string(strconv.AppendUint(b, id.Sequence, 10))
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders ids of one coordinator in the order in which they were issued. Between coordinators the order is
// total but means nothing in time.
func (id ID) Compare(o ID) int {
	return cmp.Or(cmp.Compare(id.Coordinator, o.Coordinator), cmp.Compare(id.Epoch, o.Epoch), cmp.Compare(id.Sequence, o.Sequence))
}
