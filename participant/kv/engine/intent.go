package engine

import (
	"encoding/binary"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// Write is what a commit does to one key. Its exclusive lock is held as long as the promise.
type Write struct {
	Key, Value []byte
	Gone       bool // the key is removed
}

// Intent is a promise as it stands in the store: everything that a commit after any crash needs, and the locks (P1).
type Intent struct {
	Members  []string
	Age      uint64
	Since    time.Time
	Writes   []Write
	Reads    [][]byte // keys held shared, absent ones included
	Work     []byte   // of an opaque store: what the branch is about, as it came
	Evidence []byte
	Settled  *participant.Settlement // set once an operator has ended the branch: writes and reads are gone then, and work that was not handed over stays
}

// rowVersion starts every row of the store. A reader takes its own version alone, and says so of a higher one.
const rowVersion = 1

// The fields of an intent; append only.
const (
	intentMember = iota + 1
	intentAge
	intentSince
	intentPut     // key and value
	intentDelete  // key
	intentRead    // key
	intentStamp   // fixed: the stamp of the promise, its evidence
	intentOutcome // of a settlement
	intentWho
	intentWhy
	intentWhen
	intentWork // of an opaque store
)

// appendIntent writes all of an intent but its evidence, which is known only when the promise's write is issued.
func appendIntent(b []byte, n *Intent) []byte {
	b = append(b, rowVersion)
	for _, m := range n.Members {
		b = putString(b, intentMember, m)
	}
	b = putUint(b, intentAge, n.Age)
	b = putUint(b, intentSince, uint64(n.Since.UnixMilli()))
	for _, w := range n.Writes {
		if w.Gone {
			b = putBytes(b, intentDelete, w.Key)
			continue
		}
		b = protowire.AppendTag(b, intentPut, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(protowire.SizeBytes(len(w.Key))+len(w.Value)))
		b = protowire.AppendBytes(b, w.Key)
		b = append(b, w.Value...)
	}
	for _, k := range n.Reads {
		b = putBytes(b, intentRead, k)
	}
	if len(n.Work) > 0 {
		b = putBytes(b, intentWork, n.Work)
	}
	if s := n.Settled; s != nil {
		b = putUint(b, intentOutcome, uint64(s.Outcome))
		b = putString(b, intentWho, s.Who)
		b = putString(b, intentWhy, s.Why)
		b = putUint(b, intentWhen, uint64(s.When.UnixMilli()))
	}
	return b
}

func appendEvidence(b []byte, evidence []byte) []byte {
	if len(evidence) == evidenceLen {
		b = putFixed(b, intentStamp, binary.BigEndian.Uint64(evidence[1:]))
	}
	return b
}

// evidenceLen is the length of the evidence: a version, and the store's stamp at the promise. It tells a Commit that
// finds no trace that there was a promise (P7: hazard, not never prepared), and since when it is missing.
const evidenceLen = 9

func evidenceOf(stamp uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{rowVersion}, stamp)
}

// parseIntent reads an intent; keys and values are views of b.
func parseIntent(b []byte) (*Intent, error) {
	rest, err := row(b)
	if err != nil {
		return nil, err
	}
	n := &Intent{}
	c := cursor{rest: rest}
	for c.next() {
		if err := n.take(&c); err != nil {
			return nil, err
		}
	}
	if c.err != nil {
		return nil, fmt.Errorf("%w: intent: %w", txc.ErrRefused, c.err)
	}
	if n.Settled != nil && !n.Settled.Outcome.Decided() {
		return nil, fmt.Errorf("%w: intent that an operator has settled without an outcome", txc.ErrRefused)
	}
	return n, nil
}

// intentType is the type that a writer gives a field. Of another one there is no value to read: it would be taken for zero.
func intentType(num protowire.Number) protowire.Type {
	switch num {
	case intentAge, intentSince, intentOutcome, intentWhen:
		return protowire.VarintType
	case intentStamp:
		return protowire.Fixed64Type
	default:
		return protowire.BytesType
	}
}

func (n *Intent) take(c *cursor) error {
	if c.typ != intentType(c.num) {
		return fmt.Errorf("%w: intent with a field %d of another type: damaged, or made by a newer txc", txc.ErrRefused, c.num)
	}
	switch c.num {
	case intentMember:
		n.Members = append(n.Members, string(c.v))
	case intentAge:
		n.Age = c.u
	case intentSince:
		n.Since = time.UnixMilli(int64(c.u))
	case intentPut:
		key, k := protowire.ConsumeBytes(c.v)
		if k < 0 {
			return fmt.Errorf("%w: intent: %w", txc.ErrRefused, protowire.ParseError(k))
		}
		n.Writes = append(n.Writes, Write{Key: key, Value: c.v[k:]})
	case intentDelete:
		n.Writes = append(n.Writes, Write{Key: c.v, Gone: true})
	case intentRead:
		n.Reads = append(n.Reads, c.v)
	case intentStamp:
		n.Evidence = evidenceOf(c.u)
	case intentOutcome:
		if c.u <= uint64(txc.Aborted) { // else it stays undecided, which is refused
			n.settled().Outcome = txc.Outcome(c.u)
		}
	case intentWho:
		n.settled().Who = string(c.v)
	case intentWhy:
		n.settled().Why = string(c.v)
	case intentWhen:
		n.settled().When = time.UnixMilli(int64(c.u))
	case intentWork:
		n.Work = c.v
	default:
		return fmt.Errorf("%w: intent with unknown field %d: made by a newer txc", txc.ErrRefused, c.num)
	}
	return nil
}

func (n *Intent) settled() *participant.Settlement {
	if n.Settled == nil {
		n.Settled = &participant.Settlement{}
	}
	return n.Settled
}

// row takes the version off a row.
func row(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] == 0 {
		return nil, fmt.Errorf("%w: empty row", txc.ErrRefused)
	}
	if b[0] > rowVersion {
		return nil, fmt.Errorf("%w: row of version %d: made by a newer txc, use that version", txc.ErrRefused, b[0])
	}
	return b[1:], nil
}
