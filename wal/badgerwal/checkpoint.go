package badgerwal

import (
	"encoding/binary"
	"fmt"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// A checkpoint is what the fold holds, in chunks, and a Checkpoint record behind them in the chain. The chunks are
// written first: without the record they count for nothing.
//
//	chunk  version 1 | LSN of the record 8 | this chunk 4 | chunks 4 | records in all 4
//	       the chain's end before it: epoch 4, mark 8, before 8, hash 16
//	       { LSN varint, length varint, record }… | crc32c 4
const (
	chunkVersion = 1
	chunkHead    = 1 + 8 + 4 + 4 + 4 + 4 + 8 + 8 + wal.HashSize
	chunkSize    = 60 << 10 // of the records in it, unless one alone is as large
)

// chunks encodes what a State holds, as of the chain's end.
func chunks(s *wal.State, end wal.Link) (all [][]byte, records uint32, err error) {
	var bodies [][]byte
	var body []byte
	err = s.Held(func(lsn uint64, encoded []byte) error {
		if len(body) > 0 && len(body)+len(encoded) > chunkSize {
			bodies = append(bodies, body)
			body = nil
		}
		body = binary.AppendUvarint(body, lsn)
		body = binary.AppendUvarint(body, uint64(len(encoded)))
		body = append(body, encoded...)
		records++
		return nil
	})
	bodies = append(bodies, body)
	for i, body := range bodies {
		b := make([]byte, 0, chunkHead+len(body)+4)
		b = append(b, chunkVersion)
		b = binary.BigEndian.AppendUint64(b, end.Next)
		b = binary.BigEndian.AppendUint32(b, uint32(i))
		b = binary.BigEndian.AppendUint32(b, uint32(len(bodies)))
		b = binary.BigEndian.AppendUint32(b, records)
		b = binary.BigEndian.AppendUint32(b, end.Epoch)
		b = binary.BigEndian.AppendUint64(b, end.Mark)
		b = binary.BigEndian.AppendUint64(b, end.Before)
		b = append(b, end.Hash[:]...)
		all = append(all, summed(append(b, body...)))
	}
	return all, records, err
}

// chunk is one decoded.
type chunk struct {
	lsn          uint64
	index, count uint32
	records      uint32
	end          wal.Link
	body         []byte
}

func decodeChunk(key, b []byte) (c chunk, err error) {
	body, ok := unsummed(b)
	if !ok || len(body) < chunkHead || len(key) != 13 {
		return chunk{}, refused("the checkpoint at record %d is damaged", lsnOf(key))
	}
	if body[0] > chunkVersion {
		return chunk{}, fmt.Errorf("%w: the checkpoint at record %d was %w (format %d, this one knows %d)", txc.ErrRefused, lsnOf(key), wal.ErrNewer, body[0], chunkVersion)
	}
	c = chunk{
		lsn: binary.BigEndian.Uint64(body[1:]), index: binary.BigEndian.Uint32(body[9:]),
		count: binary.BigEndian.Uint32(body[13:]), records: binary.BigEndian.Uint32(body[17:]),
		end: wal.Link{
			Epoch: binary.BigEndian.Uint32(body[21:]), Mark: binary.BigEndian.Uint64(body[25:]),
			Before: binary.BigEndian.Uint64(body[33:]),
		},
		body: body[chunkHead:],
	}
	c.end.Next = c.lsn
	copy(c.end.Hash[:], body[41:])
	if c.lsn != lsnOf(key) || c.index != binary.BigEndian.Uint32(key[9:]) || body[0] != chunkVersion {
		return chunk{}, refused("the checkpoint at record %d is damaged", lsnOf(key))
	}
	return c, nil
}

// apply folds a chunk's records.
func (c chunk) apply(s *wal.State) (n uint32, err error) {
	for u := (numbers{rest: c.body}); len(u.rest) > 0; n++ {
		lsn, size := u.next(), u.next()
		if u.bad || size > uint64(len(u.rest)) {
			return n, refused("the checkpoint at record %d is damaged", c.lsn)
		}
		encoded := u.rest[:size]
		u.rest = u.rest[size:]
		r, err := wal.Decode(encoded)
		if err != nil {
			return n, refusedBy(err)
		}
		r.LSN = lsn
		s.Apply(r, encoded)
	}
	return n, nil
}

// checkpointAt reads the checkpoint whose record has this LSN. ok: it is there whole, with its record.
func checkpointAt(r reader, lsn uint64) (s *wal.State, end wal.Link, ok bool, err error) {
	b, ok, err := r.Get(groupKey(lsn))
	if err != nil || !ok {
		return nil, end, false, err // begun, never finished
	}
	var want uint32
	g, err := wal.DecodeGroup(b)
	if err == nil {
		err = g.Records(func(r wal.Record, _ []byte) error {
			if body, is := r.Body.(wal.CheckpointBody); is && r.LSN == lsn {
				want = body.Records
				return nil
			}
			return refused("record %d should be a checkpoint", lsn)
		})
	}
	if err != nil {
		return nil, end, false, refusedBy(err)
	}
	s = wal.NewState()
	var seen, count, records uint32
	err = r.ScanFrom(checkpointKey(lsn), nil, func(key, value []byte) (bool, error) {
		c, err := decodeChunk(key, value)
		if err != nil {
			return false, err
		}
		n, err := c.apply(s)
		count, end = c.count, c.end
		seen++
		records += n
		return true, err
	})
	if err == nil && (seen == 0 || seen != count || records != want) {
		err = refused("the checkpoint at record %d has %d of %d chunks, %d of %d records", lsn, seen, count, records, want)
	}
	if err != nil {
		return nil, end, false, err
	}
	s.At(end.Last())
	return s, end, true, nil
}
