package wal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/txc-dev/txc"
)

// HashSize is the part of a SHA-256 that links groups.
const HashSize = 16

// Link is the end of a chain of groups: what the next group has to say of the past.
type Link struct {
	Epoch  uint32
	Mark   uint64
	Next   uint64         // LSN of the next record
	Before uint64         // first LSN of the last group; 0: none yet
	Hash   [HashSize]byte // of the last group's bytes
}

// Genesis is the end of an empty log. It names the owner, so that no other log's first group follows it.
func Genesis(cluster string, number uint32) Link {
	l := Link{Next: 1}
	sum := sha256.Sum256(fmt.Appendf(nil, "txc log %d of cluster %s", number, cluster))
	copy(l.Hash[:], sum[:])
	return l
}

// Hash is the link that a group's bytes make.
func Hash(group []byte) (h [HashSize]byte) {
	sum := sha256.Sum256(group)
	copy(h[:], sum[:])
	return h
}

// Last is the LSN of the last record; 0 for an empty log.
func (l Link) Last() uint64 { return l.Next - 1 }

// Follow checks that a group is the next one, and moves the end behind it. An error wraps txc.ErrRefused.
func (l *Link) Follow(g Group, encoded []byte) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{txc.ErrRefused}, args...)...)
	}
	switch {
	case g.First < l.Next:
		return bad("records from %d on are there twice", g.First)
	case g.First > l.Next:
		return bad("records %d to %d are missing", l.Next, g.First-1)
	case g.Before != l.Before, g.Previous != l.Hash:
		return bad("the group at record %d does not follow the one before it: it comes from another log, or that one was changed", g.First)
	case g.Epoch < l.Epoch, g.Epoch == l.Epoch && g.Mark != l.Mark:
		return bad("the group at record %d is of opening %d (%s) after one of opening %d (%s)",
			g.First, g.Epoch, txc.FormatMark(g.Mark), l.Epoch, txc.FormatMark(l.Mark))
	}
	*l = Link{Epoch: g.Epoch, Mark: g.Mark, Next: g.First + uint64(g.Count), Before: g.First, Hash: Hash(encoded)}
	return nil
}

// seal appends one group to b and moves the end behind it.
func (l *Link) seal(b, records []byte, count uint32, more bool) []byte {
	start := len(b)
	flags := byte(0)
	if more {
		flags = flagMore
	}
	b = append(b, Version, flags)
	b = binary.BigEndian.AppendUint32(b, l.Epoch)
	b = binary.BigEndian.AppendUint64(b, l.Mark)
	b = binary.BigEndian.AppendUint64(b, l.Next)
	b = binary.BigEndian.AppendUint64(b, l.Before)
	b = binary.BigEndian.AppendUint32(b, count)
	b = append(b, l.Hash[:]...)
	b = append(b, records...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
	l.Before = l.Next
	l.Next += uint64(count)
	l.Hash = Hash(b[start:])
	return b
}
