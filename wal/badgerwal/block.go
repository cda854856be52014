package badgerwal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// blockSize is the number of records that share one entry of the index of ids: block n holds the LSNs from
// n×blockSize on.
const blockSize = 4096

// commitRef is a commit record of a block.
type commitRef struct {
	id txc.ID
	place
}

// ownRef is one whose key the client library drew.
type ownRef struct {
	hash uint64
	place
}

// block is what is known of a stretch of records.
type block struct {
	number  uint64
	group   uint64 // first LSN of the group that holds its first record
	offset  uint64 // bytes of all groups before that one, since the log's beginning
	latest  int64  // the newest record's time, unix microseconds
	commits []commitRef
	own     []ownRef
}

// indexer makes blocks of records as they come.
type indexer struct {
	current block
	bytes   uint64 // of all groups so far
	group   uint64 // first LSN of the group that is being added
	offset  uint64 // bytes before it
}

// resume begins with a block that starts inside of, or with, the group that is added next.
func (x *indexer) resume(s summary) {
	*x = indexer{current: block{number: s.number, group: s.group, offset: s.offset}, bytes: s.offset}
}

// begin says that the records of this group come next.
func (x *indexer) begin(first uint64, size int) {
	x.group, x.offset = first, x.bytes
	x.bytes += uint64(size)
}

// add takes the next record of the group; if that completes a block, it gives it.
func (x *indexer) add(r *wal.Record) *block {
	n := r.LSN / blockSize
	if n < x.current.number { // before the block that was resumed
		return nil
	}
	if n > x.current.number || x.current.group == 0 {
		x.current = block{number: n, group: x.group, offset: x.offset}
	}
	x.current.add(r, x.group)
	if r.LSN%blockSize != blockSize-1 {
		return nil
	}
	finished := x.current
	return &finished
}

func (b *block) add(r *wal.Record, group uint64) {
	b.latest = max(b.latest, r.When.UnixMicro())
	body, ok := r.Body.(wal.CommitBody)
	if !ok {
		return
	}
	b.commits = append(b.commits, commitRef{r.ID, place{group, r.LSN}})
	if body.OwnKey && body.Key != "" {
		b.own = append(b.own, ownRef{hashKey(body.Key), place{group, r.LSN}})
	}
}

// span is the range of sequences that a block has of one epoch.
type span struct {
	epoch     uint32
	low, high uint64
}

// summary is the small entry of a block: it stays in memory, and tells whether its details are worth a look.
type summary struct {
	number, group, offset uint64
	latest                int64
	spans                 []span
	own                   int   // how many keys of the client library
	bloom                 bloom // of those, if loaded
}

func (s summary) mayHave(id txc.ID) bool {
	for _, p := range s.spans {
		if p.epoch == id.Epoch && p.low <= id.Sequence && id.Sequence <= p.high {
			return true
		}
	}
	return false
}

// summarize gives a finished block's summary and the encoding of its details, which are every id that it has a commit
// of, and the filter of the client library's keys.
func (b *block) summarize() (summary, []byte) {
	s := summary{number: b.number, group: b.group, offset: b.offset, latest: b.latest, own: len(b.own)}
	ids := make([]txc.ID, len(b.commits))
	for i, c := range b.commits {
		ids[i] = c.id
	}
	slices.SortFunc(ids, func(a, b txc.ID) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Sequence, b.Sequence))
	})
	detail := binary.AppendUvarint(nil, uint64(len(ids)))
	var last txc.ID
	for i, id := range ids {
		if i == 0 || id.Epoch != last.Epoch {
			s.spans = append(s.spans, span{epoch: id.Epoch, low: id.Sequence})
			last = txc.ID{Epoch: id.Epoch}
			detail = binary.AppendUvarint(append(detail, 1), uint64(id.Epoch))
		} else {
			detail = append(detail, 0)
		}
		s.spans[len(s.spans)-1].high = id.Sequence
		detail = binary.AppendUvarint(detail, id.Sequence-last.Sequence)
		last = id
	}
	if len(b.own) > 0 {
		s.bloom = newBloom(len(b.own))
		for _, o := range b.own {
			s.bloom.add(o.hash)
		}
	}
	detail = append(binary.AppendUvarint(detail, uint64(len(s.bloom))), s.bloom...)
	return s, summed(detail)
}

// encode is the summary without its filter.
func (s summary) encode() []byte {
	b := binary.AppendUvarint(nil, s.number)
	b = binary.AppendUvarint(b, s.group)
	b = binary.AppendUvarint(b, s.offset)
	b = binary.AppendVarint(b, s.latest)
	b = binary.AppendUvarint(b, uint64(s.own))
	for _, p := range s.spans {
		b = binary.AppendUvarint(b, uint64(p.epoch))
		b = binary.AppendUvarint(b, p.low)
		b = binary.AppendUvarint(b, p.high)
	}
	return summed(b)
}

func summed(b []byte) []byte { return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)) }

// unsummed takes the checksum off.
func unsummed(b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return nil, false
	}
	body := b[:len(b)-4]
	return body, crc32.Checksum(body, castagnoli) == binary.BigEndian.Uint32(b[len(b)-4:])
}

// numbers reads varints; after the first bad one everything is zero and ok is false.
type numbers struct {
	rest []byte
	bad  bool
}

func (n *numbers) next() uint64 {
	v, size := binary.Uvarint(n.rest)
	if size <= 0 {
		n.bad, n.rest = true, nil
		return 0
	}
	n.rest = n.rest[size:]
	return v
}

func decodeSummary(key, b []byte) (summary, error) {
	body, ok := unsummed(b)
	n := numbers{rest: body}
	s := summary{number: n.next(), group: n.next(), offset: n.next()}
	latest := n.next()
	s.latest = int64(latest>>1) ^ -int64(latest&1)
	s.own = int(n.next())
	for len(n.rest) > 0 && len(s.spans) < blockSize {
		s.spans = append(s.spans, span{epoch: uint32(n.next()), low: n.next(), high: n.next()})
	}
	if !ok || n.bad || len(n.rest) > 0 || s.number != lsnOf(key) || !bytes.Equal(s.encode(), b) {
		return summary{}, refused("the index of records %d to %d is damaged", lsnOf(key)*blockSize, (lsnOf(key)+1)*blockSize-1)
	}
	return s, nil
}

// detailHas looks for an id in a block's details, and gives the filter behind the ids.
func detailHas(b []byte, id txc.ID) (has bool, filter bloom, err error) {
	body, ok := unsummed(b)
	n := numbers{rest: body}
	count := n.next()
	var epoch uint32
	var sequence uint64
	for i := uint64(0); i < count && !n.bad; i++ {
		if n.next() == 1 {
			epoch, sequence = uint32(n.next()), 0
		}
		sequence += n.next()
		has = has || epoch == id.Epoch && sequence == id.Sequence
	}
	size := n.next()
	if !ok || n.bad || size != uint64(len(n.rest)) {
		return false, nil, refused("the details of an index entry are damaged")
	}
	return has, bloom(n.rest), nil
}
