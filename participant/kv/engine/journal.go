package engine

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/txc-dev/txc"
)

// Bounds of the journal.
const (
	MaxJournal     = 16 << 20 // bytes of its rows: past it the oldest make room
	maxJournalRows = 1 << 16
	maxRow         = 256 << 10 // bytes of one row; whatever it holds finds room in one batch again
	maxItems       = 2_048     // of one row
	maxPacked      = 4 << 10   // a longer promise has a row of its own
)

// journal is where promises and ends of branches stand first: what a batch says of branches is one row, because each
// row of the store costs by far more than its bytes. Rows are numbered without a gap, and go from the front alone. So
// an end stays as long as the promise that it ends, and nothing comes to life again. A row goes when its promises have
// ended durably and its proofs are forgotten. Where that lasts too long for the bounds, what is left of the oldest rows
// moves to i and t rows, in the batch that drops them.
type journal struct {
	rows  []journalRow // oldest first
	first uint64       // the number of rows[0], or the next one
	bytes int          // of rows
	bound int          // of bytes

	// of the batch under way:
	row   []byte
	items int
	drop  int     // as many rows go from the front
	moved []moved // what of them moves
}

type journalRow struct{ live, bytes int }

// moved is a promise or a proof that gets a row of its own.
type moved struct {
	name  Name
	from  uint64
	proof bool
}

type itemKind byte

const (
	itemPromise   itemKind = iota + 1 // name, length, intent
	itemCommitted                     // name: the promise was applied, and this is the proof
	itemGone                          // name: the promise that stands in the journal counts no longer
)

// item is what a journal's row says of one branch.
type item struct {
	kind   itemKind
	name   Name
	intent []byte
}

// endLen is the length of an item that ends a branch.
const endLen = 1 + nameLen

// stampLen is what the evidence adds to an intent.
const stampLen = 1 + 8

// packedLen is the length of a promise's item, or 0 if it gets a row of its own.
func packedLen(row []byte) int {
	n := len(row) + stampLen
	if n > maxPacked {
		return 0
	}
	return endLen + protowire.SizeBytes(n)
}

// next is the number of the row that the batch under way writes.
func (j *journal) next() uint64 { return j.first + uint64(len(j.rows)) }

// begin makes it ready for another batch.
func (j *journal) begin() { j.row, j.items, j.drop, j.moved = j.row[:0], 0, 0, j.moved[:0] }

func (j *journal) item(kind itemKind, name Name) {
	if j.items == 0 {
		j.row = append(j.row, rowVersion)
	}
	j.items++
	j.row = name.appendTo(append(j.row, byte(kind)))
}

// promise adds a promise; row is the intent but its evidence.
func (j *journal) promise(name Name, row, evidence []byte) {
	j.item(itemPromise, name)
	j.row = protowire.AppendVarint(j.row, uint64(len(row)+stampLen))
	j.row = appendEvidence(append(j.row, row...), evidence)
}

// holds counts one more thing that keeps a row.
func (j *journal) holds(number uint64) { j.rows[number-j.first].live++ }

// lets counts one less; number 0: it has a row of its own.
func (j *journal) lets(number uint64) {
	if number != 0 {
		j.rows[number-j.first].live--
	}
}

// hollow reports whether the oldest row may go.
func (j *journal) hollow() bool { return len(j.rows) > 0 && j.rows[0].live == 0 }

// plan chooses what makes room if the journal is too long, and tells what that costs a batch at most: half of what it
// may have, or what one row needs.
func (j *journal) plan() load {
	var sum load
	bytes := j.bytes
	for j.drop < len(j.rows) && (bytes > j.bound || len(j.rows)-j.drop > maxJournalRows) {
		r := j.rows[j.drop]
		cost := load{bytes: journalCost, pairs: 1}
		if r.live > 0 {
			cost = load{bytes: journalCost + r.bytes + r.live*nameCost, pairs: 1 + r.live}
		}
		if more := sum.plus(cost); j.drop > 0 && (2*more.bytes > MaxBatchBytes || 2*more.pairs > MaxBatchPairs) {
			break
		}
		sum = sum.plus(cost)
		bytes -= r.bytes
		j.drop++
	}
	return sum
}

// trim drops rows that hold nothing any more, as far as there is room.
func (j *journal) trim(n int) {
	for n = min(n, len(j.rows)); j.drop < n && j.rows[j.drop].live == 0; j.drop++ {
	}
}

// written has the batch under way happen.
func (j *journal) written() {
	if j.items > 0 {
		j.rows = append(j.rows, journalRow{bytes: len(j.row)})
		j.bytes += len(j.row)
	}
}

// dropped is the second half of it, when all that moved has its own row.
func (j *journal) dropped() {
	for _, r := range j.rows[:j.drop] {
		j.bytes -= r.bytes
	}
	j.rows = j.rows[j.drop:]
	j.first += uint64(j.drop)
	j.begin()
}

// keys of the journal end with the row's number, big endian.
const numberLen = 8

// journalCost is what a journal's row costs a batch beside its value.
const journalCost = 2*(1+numberLen) + perPair

func appendJournalKey(b []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, spaceJournal), number)
}

func parseJournalKey(key []byte) (uint64, error) {
	if len(key) != 1+numberLen || key[0] != spaceJournal {
		return 0, fmt.Errorf("%w: key %x is of no row of the journal", txc.ErrRefused, key)
	}
	return binary.BigEndian.Uint64(key[1:]), nil
}

// parseItems yields what a row of the journal says, in order; the intents are views of it.
func parseItems(b []byte, f func(item) error) error {
	rest, err := row(b)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: row of the journal that says nothing", txc.ErrRefused)
	}
	for len(rest) > 0 {
		if len(rest) < endLen {
			return fmt.Errorf("%w: row of the journal that is cut off", txc.ErrRefused)
		}
		it := item{kind: itemKind(rest[0]), name: nameIn(rest[1:])}
		rest = rest[endLen:]
		switch it.kind {
		case itemCommitted, itemGone:
		case itemPromise:
			size, n := protowire.ConsumeVarint(rest)
			if n < 0 || n != protowire.SizeVarint(size) || size > uint64(len(rest)-n) {
				return fmt.Errorf("%w: row of the journal with a promise that is cut off", txc.ErrRefused)
			}
			it.intent, rest = rest[n:n+int(size)], rest[n+int(size):]
		default:
			return fmt.Errorf("%w: row of the journal with an item of kind %d: damaged, or made by a newer txc", txc.ErrRefused, it.kind)
		}
		if err := f(it); err != nil {
			return err
		}
	}
	return nil
}
