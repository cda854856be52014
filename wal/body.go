package wal

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/txc-dev/txc"
)

func encodeBody(b []byte, body Body) []byte {
	switch body := body.(type) {
	case OpenedBody:
		b = binary.AppendUvarint(b, uint64(body.Epoch))
		b = binary.BigEndian.AppendUint64(b, body.Mark)
		b = putString(b, body.Software)
	case CommitBody:
		b = encodeCommit(b, body)
	case HeuristicBody:
		b = append(b, byte(body.Outcome), byte(body.Fate))
		b = binary.BigEndian.AppendUint64(b, body.Mark)
		b = putString(b, body.Participant)
		b = putReason(b, body.Why)
	case ResolutionBody:
		b = encodeResolution(b, body)
	case RegistrationBody:
		for _, s := range []string{body.Name, body.Address, body.Kind, body.Version, body.State, body.Who, body.Why} {
			b = putString(b, s)
		}
		b = append(b, body.Instance[:]...)
		b = binary.AppendUvarint(b, body.Stamp)
	case StoppedBody:
		b = putString(b, body.Participant)
		b = binary.AppendUvarint(b, uint64(body.Epoch))
		b = binary.BigEndian.AppendUint64(b, body.Mark)
		b = binary.AppendUvarint(b, body.Shown)
		b = putString(putString(b, body.What), body.Text)
	case PresumedBody:
		b = binary.BigEndian.AppendUint64(b, body.Mark)
		b = putBool(putStrings(b, body.Absent), body.Checked)
	case AcknowledgedBody:
		b = putStrings(b, body.Participants)
	case EndBody:
		b = binary.AppendVarint(b, int64(body.Took))
		b = binary.AppendUvarint(b, uint64(body.Retries))
	case AbortBody:
		b = putStrings(putReason(b, body.Reason), body.Members)
		b = putTime(putString(putLabels(b, body.Labels), body.Key), body.Began)
	case CheckpointBody:
		b = binary.AppendUvarint(b, uint64(body.Records))
	case DroppedBody:
		b = putID(b, body.Floor)
		b = binary.AppendUvarint(b, body.Next)
	case ClosedBody:
	}
	return b
}

func decodeBody(u *unpacker, kind Kind) Body {
	switch kind {
	case Opened:
		return OpenedBody{Epoch: u.number32(), Mark: u.fixed64(), Software: u.string()}
	case Commit:
		return decodeCommit(u)
	case Heuristic:
		return HeuristicBody{Outcome: txc.Outcome(u.byte()), Fate: txc.Fate(u.byte()), Mark: u.fixed64(), Participant: u.string(), Why: u.reason()}
	case Resolution:
		return decodeResolution(u)
	case Registration:
		body := RegistrationBody{Name: u.string(), Address: u.string(), Kind: u.string(), Version: u.string(), State: u.string(), Who: u.string(), Why: u.string()}
		u.array(body.Instance[:])
		body.Stamp = u.number()
		return body
	case Stopped:
		return StoppedBody{Participant: u.string(), Epoch: u.number32(), Mark: u.fixed64(), Shown: u.number(), What: u.string(), Text: u.string()}
	case Presumed:
		return PresumedBody{Mark: u.fixed64(), Absent: u.strings(MaxNames), Checked: u.bool()}
	case Acknowledged:
		return AcknowledgedBody{Participants: u.strings(MaxNames)}
	case End:
		return EndBody{Took: time.Duration(u.signed()), Retries: u.number32()}
	case Abort:
		return AbortBody{Reason: u.reason(), Members: u.strings(MaxNames), Labels: u.labels(), Key: u.string(), Began: u.time()}
	case Checkpoint:
		return CheckpointBody{Records: u.number32()}
	case Dropped:
		return DroppedBody{Floor: u.id(), Next: u.number()}
	case Closed:
		return ClosedBody{}
	}
	return nil
}

func encodeCommit(b []byte, body CommitBody) []byte {
	b = binary.AppendUvarint(b, uint64(len(body.Members)))
	for _, m := range body.Members {
		b = putBytes(putString(b, m.Participant), m.Evidence)
	}
	b = putLabels(b, body.Labels)
	b = putString(b, body.Key)
	b = putBool(b, body.OwnKey)
	b = append(b, body.Digest[:]...)
	return putTime(b, body.Began)
}

func decodeCommit(u *unpacker) CommitBody {
	var body CommitBody
	if n := u.count(txc.MaxBranches); n > 0 {
		body.Members = make([]Member, n)
		for i := range body.Members {
			body.Members[i] = Member{Participant: u.string(), Evidence: u.bytes()}
		}
	}
	body.Labels = u.labels()
	body.Key = u.string()
	body.OwnKey = u.bool()
	u.array(body.Digest[:])
	body.Began = u.time()
	return body
}

func encodeResolution(b []byte, body ResolutionBody) []byte {
	b = putString(putString(b, body.What), body.Participant)
	b = append(b, byte(body.Outcome))
	b = binary.AppendUvarint(b, uint64(body.Epoch))
	b = binary.AppendUvarint(b, uint64(len(body.Lost)))
	for _, l := range body.Lost {
		b = binary.AppendUvarint(b, uint64(l.Epoch))
		b = binary.BigEndian.AppendUint64(b, l.Mark)
		b = binary.AppendUvarint(b, l.From)
		b = binary.AppendUvarint(b, l.To)
	}
	b = append(b, body.Instance[:]...)
	b = binary.AppendUvarint(b, body.Stamp)
	return putString(putString(b, body.Who), body.Why)
}

func decodeResolution(u *unpacker) ResolutionBody {
	body := ResolutionBody{What: u.string(), Participant: u.string(), Outcome: txc.Outcome(u.byte()), Epoch: u.number32()}
	if n := u.count(MaxRanges); n > 0 {
		body.Lost = make([]Range, n)
		for i := range body.Lost {
			body.Lost[i] = Range{Epoch: u.number32(), Mark: u.fixed64(), From: u.number(), To: u.number()}
		}
	}
	u.array(body.Instance[:])
	body.Stamp = u.number()
	body.Who, body.Why = u.string(), u.string()
	return body
}

func (u *unpacker) fixed64() uint64 {
	if v := u.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func putID(b []byte, id txc.ID) []byte {
	b = binary.AppendUvarint(b, uint64(id.Coordinator))
	b = binary.AppendUvarint(b, uint64(id.Epoch))
	return binary.AppendUvarint(b, id.Sequence)
}

func (u *unpacker) id() txc.ID {
	return txc.ID{Coordinator: u.number32(), Epoch: u.number32(), Sequence: u.number()}
}

func putReason(b []byte, r txc.Reason) []byte {
	b = putString(putString(putString(b, string(r.Code)), r.Text), r.Participant)
	return putBool(b, r.Retryable)
}

func (u *unpacker) reason() txc.Reason {
	return txc.Reason{Code: txc.Code(u.string()), Text: u.string(), Participant: u.string(), Retryable: u.bool()}
}

// putLabels writes a map in the order of its keys.
func putLabels(b []byte, labels map[string]string) []byte {
	b = binary.AppendUvarint(b, uint64(len(labels)))
	if len(labels) == 0 {
		return b
	}
	names := make([]string, 0, txc.MaxLabels)
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b = putString(putString(b, name), labels[name])
	}
	return b
}

func (u *unpacker) labels() map[string]string {
	n := u.count(txc.MaxLabels)
	if n == 0 {
		return nil
	}
	labels := make(map[string]string, n)
	last := ""
	for i := range n {
		name := u.string()
		if i > 0 && name <= last {
			u.fail()
		}
		labels[name] = u.string()
		last = name
	}
	return labels
}
