package badgerwal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/badgerdb"
	"github.com/txc-dev/txc/wal"
)

// Defaults.
const (
	DefaultHistoryAge      = 168 * time.Hour
	DefaultHistorySize     = 4 << 30
	DefaultCheckpointEvery = 64 << 10 // records
)

// Options of Open. The zero value of a field means its default.
type Options struct {
	Cluster  string
	Number   uint32
	Software string // stands in the Opened record
	Address  string // told to whoever finds the directory in use

	HistoryAge  time.Duration // finished transactions are forgotten after this; default DefaultHistoryAge
	HistorySize int64         // bytes of records; beyond it the oldest go, but what C11 keeps; default DefaultHistorySize
	MinFree     uint64        // free bytes below which Room says low; default badgerdb.DefaultMinFree
	Ballast     int64         // bytes; default badgerdb.DefaultBallast, negative: none

	Logger *slog.Logger
	Now    func() time.Time
	Run    func() time.Duration // how long the log has been open, by a clock that is never set; default: as Now tells
	Mark   func() uint64        // draws the opening's mark; default: at random

	CheckpointEvery int   // records; default DefaultCheckpointEvery
	MemTable        int64 // bytes of Badger's memtable; default badgerdb.DefaultMemTable; at least 5 MiB, so that a group fits
}

const minMemTable = 5 << 20

func (o Options) withDefaults() (Options, error) {
	if err := txc.CheckCluster(o.Cluster); err != nil {
		return o, err
	}
	if o.Number == 0 {
		return o, fmt.Errorf("%w: a coordinator's number starts at 1", txc.ErrInvalid)
	}
	if o.HistoryAge == 0 {
		o.HistoryAge = DefaultHistoryAge
	}
	if o.HistorySize == 0 {
		o.HistorySize = DefaultHistorySize
	}
	if o.HistoryAge < wal.OwnKeySpan || o.HistorySize < 0 {
		return o, fmt.Errorf("%w: history of %v and %d bytes: at least %v", txc.ErrInvalid, o.HistoryAge, o.HistorySize, wal.OwnKeySpan)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Mark == nil {
		o.Mark = drawMark
	}
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = DefaultCheckpointEvery
	}
	if o.MemTable == 0 {
		o.MemTable = badgerdb.DefaultMemTable
	}
	if o.MemTable < minMemTable || o.CheckpointEvery < 1 {
		return o, fmt.Errorf("%w: memtable of %d bytes, a checkpoint every %d records", txc.ErrInvalid, o.MemTable, o.CheckpointEvery)
	}
	return o, nil
}

// drawMark draws at random. crypto/rand never fails: it ends the process instead.
func drawMark() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
