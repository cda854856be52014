package engine

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// MaxWitnesses bounds the witnesses of all coordinators: they stand together in one row that goes with every batch.
const MaxWitnesses = 1024

// The fields of the memory row.
const (
	memoryInstance = iota + 1
	memoryStamp
	memorySeen  // coordinator, epoch, mark, LSN: 4 + 4 + 8 + 8 bytes
	memoryFirst // the number of the journal's oldest row; neither of these two, if it has none
	memoryRows  // how many there are
)

const seenLen = 4 + 4 + 8 + 8

// memory is what goes with every batch: the notebook, and where the journal is. A txc that knows no journal refuses a
// store that has one.
type memory struct {
	participant.Memory
	first, rows uint64
}

func appendMemory(b []byte, m *memory) []byte {
	b = append(b, rowVersion)
	b = putBytes(b, memoryInstance, m.Instance[:])
	b = putUint(b, memoryStamp, m.Stamp)
	for _, s := range m.Seen {
		b = protowire.AppendTag(b, memorySeen, protowire.BytesType)
		b = protowire.AppendVarint(b, seenLen)
		b = binary.BigEndian.AppendUint32(b, s.Coordinator)
		b = binary.BigEndian.AppendUint32(b, s.Epoch)
		b = binary.BigEndian.AppendUint64(b, s.Mark)
		b = binary.BigEndian.AppendUint64(b, s.LSN)
	}
	if m.rows > 0 {
		b = putUint(b, memoryFirst, m.first)
		b = putUint(b, memoryRows, m.rows)
	}
	return b
}

func parseMemory(b []byte) (memory, error) {
	var m memory
	rest, err := row(b)
	if err != nil {
		return m, err
	}
	c := cursor{rest: rest}
	for c.next() {
		switch {
		case c.is(memoryInstance, protowire.BytesType) && len(c.v) == len(m.Instance):
			copy(m.Instance[:], c.v)
		case c.is(memoryStamp, protowire.VarintType):
			m.Stamp = c.u
		case c.is(memorySeen, protowire.BytesType) && len(c.v) == seenLen:
			m.Seen = append(m.Seen, participant.Seen{
				Coordinator: binary.BigEndian.Uint32(c.v),
				Epoch:       binary.BigEndian.Uint32(c.v[4:]),
				Mark:        binary.BigEndian.Uint64(c.v[8:]),
				LSN:         binary.BigEndian.Uint64(c.v[16:]),
			})
		case c.is(memoryFirst, protowire.VarintType) && c.u > 0:
			m.first = c.u
		case c.is(memoryRows, protowire.VarintType) && c.u > 0:
			m.rows = c.u
		default:
			return m, fmt.Errorf("%w: memory with a field %d that is not known: damaged, or made by a newer txc", txc.ErrRefused, c.num)
		}
	}
	if c.err != nil {
		return m, fmt.Errorf("%w: memory: %w", txc.ErrRefused, c.err)
	}
	if (m.first > 0) != (m.rows > 0) || m.rows > math.MaxUint64-m.first {
		return m, fmt.Errorf("%w: memory of a journal of %d rows from %d", txc.ErrRefused, m.rows, m.first)
	}
	return m, nil
}

// witness enters s into list, which is ordered by coordinator and epoch: the LSN of an opening grows, and a newer opening
// joins the older ones, which stay until Remember drops them (C6). One that is older than the highest of its coordinator,
// or that has another mark, enters nothing. ok is false when the list is full.
func witness(list []participant.Seen, s participant.Seen) (_ []participant.Seen, ok bool) {
	if s.Coordinator == 0 {
		return list, true
	}
	from, to := ofCoordinator(list, s.Coordinator)
	switch {
	case from < to && list[to-1].Epoch == s.Epoch && list[to-1].Mark == s.Mark:
		list[to-1].LSN = max(list[to-1].LSN, s.LSN)
	case from < to && list[to-1].Epoch >= s.Epoch:
	case len(list) >= MaxWitnesses:
		return list, false
	default:
		list = slices.Insert(list, to, s)
	}
	return list, true
}

// ofCoordinator is where a coordinator's witnesses stand in list.
func ofCoordinator(list []participant.Seen, number uint32) (from, to int) {
	from, _ = slices.BinarySearchFunc(list, number, func(x participant.Seen, c uint32) int {
		return cmp.Compare(x.Coordinator, c)
	})
	for to = from; to < len(list) && list[to].Coordinator == number; to++ {
	}
	return from, to
}

// remembered is list after Remember of seen, which is all that is left to keep of the coordinators that it names. An
// opening's LSN never goes back, the mark that was seen first stands, and what a later batch has entered stays.
func remembered(list, seen []participant.Seen) (_ []participant.Seen, ok bool) {
	var next []participant.Seen
	for _, old := range list {
		stays := true
		for _, s := range seen {
			if s.Coordinator != old.Coordinator {
				continue
			}
			if s.Epoch >= old.Epoch {
				stays = s.Epoch == old.Epoch
			}
			if s.Epoch == old.Epoch {
				if s.Mark == old.Mark {
					old.LSN = max(old.LSN, s.LSN)
				}
				break
			}
		}
		if stays {
			next = append(next, old)
		}
	}
	for _, s := range seen {
		from, to := ofCoordinator(next, s.Coordinator)
		at, found := slices.BinarySearchFunc(next[from:to], s.Epoch, func(x participant.Seen, e uint32) int {
			return cmp.Compare(x.Epoch, e)
		})
		if !found && s.Coordinator != 0 && s.Epoch != 0 {
			next = slices.Insert(next, from+at, s)
		}
	}
	return next, len(next) <= MaxWitnesses
}

// appendLast names the keys of a batch, so that the next opening can write again what this one may not have synced
// (P10).
func appendLast(b []byte, pairs []Pair) []byte {
	b = append(b, rowVersion)
	for i := range pairs {
		b = protowire.AppendBytes(b, pairs[i].Key)
	}
	return b
}

// parseLast yields the keys that appendLast named.
func parseLast(b []byte) ([][]byte, error) {
	rest, err := row(b)
	if err != nil {
		return nil, err
	}
	var keys [][]byte
	for len(rest) > 0 {
		key, n := protowire.ConsumeBytes(rest)
		if n < 0 {
			return nil, fmt.Errorf("%w: keys of the last batch: %w", txc.ErrRefused, protowire.ParseError(n))
		}
		keys, rest = append(keys, key), rest[n:]
	}
	return keys, nil
}

// proof rows: a version, the fate that Commit is told from then on, and byHand if an operator made it so.
func appendProof(b []byte, fate txc.Fate) []byte { return append(b, rowVersion, byte(fate)) }

// byHand ends the row of a proof that proves no decision (C6): a coordinator whose log has no record of it has lost
// nothing.
const byHand = 1

func parseProof(b []byte) (fate txc.Fate, hand bool, err error) {
	rest, err := row(b)
	if err != nil {
		return 0, false, err
	}
	if hand = len(rest) == 2 && rest[1] == byHand; hand {
		rest = rest[:1]
	}
	if len(rest) != 1 || (txc.Fate(rest[0]) != txc.CommittedBefore && txc.Fate(rest[0]) != txc.AbortedBefore) {
		return 0, false, fmt.Errorf("%w: proof %x", txc.ErrRefused, b)
	}
	return txc.Fate(rest[0]), hand, nil
}

// decimal reads a stored integer.
func decimal(value []byte) (int64, bool) {
	if len(value) > maxDecimal || len(value) > 0 && value[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	return n, err == nil
}

// maxDecimal is the length of the longest int64, -9223372036854775808.
const maxDecimal = 20
