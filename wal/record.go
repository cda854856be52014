package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/txc-dev/txc"
)

// Version is the format of records and groups that this program writes, and the newest that it reads.
const Version = 1

// ErrNewer says that a log is in order, but not for this program. It comes with txc.ErrRefused.
var ErrNewer = errors.New("made by a newer txc: use that version")

// Bounds of what a record holds beside txc's own limits. A list that is longer is refused at Append and at decoding.
const (
	MaxNames  = 1024 // participants in an Acknowledged, Presumed or Abort record
	MaxRanges = 1024 // lost ranges in a Resolution
)

// sumSize is the checksum's, behind a record or a group.
const sumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode appends the one encoding of a record, without its LSN: the record's place in the log tells that.
//
//	version 1 | kind 1 | coordinator, epoch, sequence varints | when varint | body | crc32c 4
//
// An error wraps txc.ErrInvalid; b is then returned as it was.
func Encode(b []byte, r Record) ([]byte, error) {
	if err := Check(r); err != nil {
		return b, err
	}
	start := len(b)
	b = append(b, Version, byte(r.Kind))
	b = binary.AppendUvarint(b, uint64(r.ID.Coordinator))
	b = binary.AppendUvarint(b, uint64(r.ID.Epoch))
	b = binary.AppendUvarint(b, r.ID.Sequence)
	b = putTime(b, r.When)
	b = encodeBody(b, r.Body)
	if n := len(b) - start + sumSize; n > MaxRecord {
		return b[:start], fmt.Errorf("%w: %v record of %d bytes: at most %d", txc.ErrInvalid, r.Kind, n, MaxRecord)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli)), nil
}

// Decode reads exactly one record. Its bytes may be reused afterwards. An error wraps txc.ErrRefused.
func Decode(b []byte) (Record, error) {
	r, err := decode(b)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", txc.ErrRefused, err)
	}
	return r, nil
}

func decode(b []byte) (Record, error) {
	if len(b) < 2+sumSize || len(b) > MaxRecord {
		return Record{}, fmt.Errorf("record of %d bytes", len(b))
	}
	end := len(b) - sumSize
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return Record{}, fmt.Errorf("record is damaged (checksum)")
	}
	if b[0] > Version {
		return Record{}, fmt.Errorf("record was %w (format %d, this one knows %d)", ErrNewer, b[0], Version)
	}
	if b[0] != Version {
		return Record{}, fmt.Errorf("record of format %d", b[0])
	}
	u := unpacker{rest: b[2:end]}
	r := Record{Kind: Kind(b[1])}
	r.ID = u.id()
	r.When = u.time()
	r.Body = decodeBody(&u, r.Kind)
	if r.Body == nil {
		return Record{}, fmt.Errorf("record of unknown kind %d: it was %w", b[1], ErrNewer)
	}
	if u.err != nil || len(u.rest) > 0 {
		return Record{}, fmt.Errorf("%v record is damaged (%w)", r.Kind, errTorn)
	}
	return r, Check(r)
}

// Peek reads kind and id without decoding the rest, of a record that was checked with its group.
func Peek(b []byte) (Kind, txc.ID) {
	if len(b) < 2 {
		return 0, txc.ID{}
	}
	u := unpacker{rest: b[2:]}
	return Kind(b[1]), u.id()
}

// PeekWhen reads the time, in microseconds, of a record that was checked with its group.
func PeekWhen(b []byte) int64 {
	if len(b) < 2 {
		return 0
	}
	u := unpacker{rest: b[2:]}
	u.id()
	return u.signed()
}

// Check tells whether a log could ever take the record. The error wraps txc.ErrInvalid.
func Check(r Record) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %v record: "+format, append([]any{txc.ErrInvalid, r.Kind}, args...)...)
	}
	if r.Body == nil || r.Body.kind() != r.Kind || r.Kind == 0 {
		return bad("kind and body do not agree")
	}
	switch about, named := aboutTransaction(r), !r.ID.IsZero(); {
	case about && !named:
		return bad("needs a transaction's id")
	case named && !about && r.Kind != Stopped: // a stop may show an id that was never issued
		return bad("is about no transaction")
	}
	if id := r.ID; !id.IsZero() && (id.Coordinator == 0 || id.Epoch == 0 || id.Sequence == 0) {
		return bad("id %v", id)
	}
	return checkBody(r.Body, bad)
}

// aboutTransaction tells whether a record of this kind must bear an id.
func aboutTransaction(r Record) bool {
	switch body := r.Body.(type) {
	case CommitBody, HeuristicBody, PresumedBody, AcknowledgedBody, EndBody, AbortBody:
		return true
	case ResolutionBody:
		return body.What == ResolveSettle || body.What == ResolveAcknowledge
	case OpenedBody, RegistrationBody, StoppedBody, CheckpointBody, DroppedBody, ClosedBody:
		return false
	}
	return false
}

func checkBody(body Body, bad func(string, ...any) error) error {
	switch body := body.(type) {
	case CommitBody:
		return checkCommit(body, bad)
	case AbortBody:
		if len(body.Members) > MaxNames || len(body.Labels) > txc.MaxLabels {
			return bad("%d members, %d labels", len(body.Members), len(body.Labels))
		}
	case AcknowledgedBody:
		if len(body.Participants) > MaxNames {
			return bad("%d participants", len(body.Participants))
		}
	case PresumedBody:
		if len(body.Absent) > MaxNames {
			return bad("%d participants", len(body.Absent))
		}
	case ResolutionBody:
		if len(body.Lost) > MaxRanges {
			return bad("%d lost ranges", len(body.Lost))
		}
	case OpenedBody, HeuristicBody, RegistrationBody, StoppedBody, EndBody, CheckpointBody, DroppedBody, ClosedBody:
	}
	return nil
}

func checkCommit(body CommitBody, bad func(string, ...any) error) error {
	if len(body.Members) > txc.MaxBranches || len(body.Labels) > txc.MaxLabels || len(body.Key) > txc.MaxKey {
		return bad("%d members, %d labels, key of %d bytes", len(body.Members), len(body.Labels), len(body.Key))
	}
	for _, m := range body.Members {
		if len(m.Evidence) > txc.MaxEvidence {
			return bad("evidence of %s has %d bytes: at most %d", m.Participant, len(m.Evidence), txc.MaxEvidence)
		}
	}
	return nil
}

// CheckAppend tells whether the log of this coordinator takes the record from its owner: the log writes some kinds
// itself, and holds no other coordinator's transactions. The error wraps txc.ErrInvalid.
func CheckAppend(number uint32, r Record) error {
	switch r.Kind {
	case Opened, Checkpoint, Dropped, Closed:
		return fmt.Errorf("%w: %v records are the log's own", txc.ErrInvalid, r.Kind)
	}
	if !r.ID.IsZero() && r.ID.Coordinator != number {
		return fmt.Errorf("%w: %v is not a transaction of coordinator %d", txc.ErrInvalid, r.ID, number)
	}
	return nil
}
