package bench

import (
	"encoding/binary"
	"sync"

	"github.com/dgraph-io/badger/v4"
)

// bare is the least that a grouped log on Badger can be: no records, no chain, no recovery.
type bare struct {
	db    *badger.DB
	mu    sync.Mutex
	queue []chan error
	wake  chan struct{}
	quit  chan struct{}
	ended chan struct{}
}

const bareRecord = 150 // bytes

func openBare(dir string) (*bare, error) {
	o := badger.DefaultOptions(dir).WithSyncWrites(true).WithMemTableSize(16 << 20).WithValueLogFileSize(1 << 20).
		WithCompression(0).WithDetectConflicts(false).WithLogger(nil)
	db, err := badger.Open(o)
	if err != nil {
		return nil, err
	}
	b := &bare{db: db, wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
	go b.write()
	return b, nil
}

// append returns when a record is durable.
func (b *bare) append() error {
	done := make(chan error, 1)
	b.mu.Lock()
	b.queue = append(b.queue, done)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return <-done
}

func (b *bare) write() {
	defer close(b.ended)
	var group []chan error
	for n := uint64(1); ; n++ {
		select {
		case <-b.wake:
		case <-b.quit:
			return
		}
		b.mu.Lock()
		group, b.queue = b.queue, group[:0]
		b.mu.Unlock()
		if len(group) == 0 {
			continue
		}
		key := binary.BigEndian.AppendUint64([]byte{'g'}, n)
		err := b.db.Update(func(txn *badger.Txn) error { return txn.Set(key, make([]byte, bareRecord*len(group))) })
		for _, done := range group {
			done <- err
		}
	}
}

func (b *bare) close() error {
	close(b.quit)
	<-b.ended
	return b.db.Close()
}
