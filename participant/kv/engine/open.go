package engine

import (
	"fmt"

	"github.com/txc-dev/txc"
)

// Open restores a core from the store's content: promises with their locks, settlements, proofs, memory (P10). Stores made
// before there was a journal are read.
//
// The batch that it returns must be written and made durable before the core is used, and is completed by a Written
// event in the first Step. It writes again what the opening before may have left in the operating system's memory
// alone: one batch is written at a time, so only the last one can be in doubt, and it names its keys. An error wraps
// txc.ErrRefused where the content is not what it should be.
func Open(o Options, read Reader) (*Core, *Batch, error) {
	if o.LockWait == 0 {
		o.LockWait = LockWait
	}
	switch {
	case o.ApplyDelay == 0:
		o.ApplyDelay = ApplyDelay
	case o.ApplyDelay < 0:
		o.ApplyDelay = 0
	}
	if o.Journal <= 0 {
		o.Journal = MaxJournal
	}
	c := &Core{o: o, read: read, branches: make(map[Name]*branch), locks: NewLocks(), journal: journal{first: 1, bound: o.Journal}}
	rows, err := c.recall()
	if err != nil {
		return nil, nil, err
	}
	if err := c.restoreAll(rows); err != nil {
		return nil, nil, err
	}
	if err := c.rewrite(); err != nil {
		return nil, nil, err
	}
	return c, &c.batch, nil
}

// recall reads the memory, and tells how many rows the journal has; a store without a memory is new.
func (c *Core) recall() (rows uint64, err error) {
	row, found, err := c.read.Get(keyMemory)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	if !found {
		c.mem.Instance = c.o.Instance
		return 0, nil
	}
	m, err := parseMemory(row)
	if err != nil {
		return 0, err
	}
	c.mem, c.stamp = m.Memory, m.Stamp
	if m.rows > 0 {
		c.journal.first = m.first
	}
	if c.o.Instance != [16]byte{} && c.mem.Instance != c.o.Instance {
		return 0, fmt.Errorf("%w: the store is %x, its directory says %x: they do not belong together", txc.ErrRefused, c.mem.Instance, c.o.Instance)
	}
	return m.rows, nil
}

// restore takes one promised or settled branch up again, with its locks: reads and absent keys included (S1).
func (c *Core) restore(name Name, row []byte, home uint64) error {
	n, err := parseIntent(row)
	if err != nil {
		return fmt.Errorf("branch %v: %w", name.ID, err)
	}
	if opaque := len(n.Work) > 0; !c.o.Look && opaque != c.o.Opaque && (opaque || len(n.Writes)+len(n.Reads) > 0) {
		return fmt.Errorf("%w: branch %v belongs to another kind of store than this directory is opened as", txc.ErrRefused, name.ID)
	}
	b := &branch{
		name: name, members: n.Members, intent: n, row: row, home: home,
		owner: Owner{Age: Age{At: n.Age, Name: name}, Promised: true},
	}
	b.owner.branch = b
	c.branches[name] = b
	c.staged += len(row)
	if n.Settled != nil {
		if home != 0 {
			return fmt.Errorf("%w: branch %v is settled in the journal", txc.ErrRefused, name.ID)
		}
		c.move(b, settled)
		return nil
	}
	c.move(b, promised)
	return c.relock(b)
}

func (c *Core) relock(b *branch) error {
	lock := func(key []byte, m Mode) error {
		if c.locks.Acquire(&b.owner, key, m) != Granted {
			return fmt.Errorf("%w: branch %v and another one promise what only one can hold: %q", txc.ErrRefused, b.name.ID, shown(key))
		}
		return nil
	}
	for _, w := range b.intent.Writes {
		if err := lock(w.Key, Exclusive); err != nil {
			return err
		}
	}
	for _, k := range b.intent.Reads {
		if err := lock(k, Shared); err != nil {
			return err
		}
	}
	return nil
}

// rewrite makes the batch that writes the last one again, with the values that are there now.
func (c *Core) rewrite() error {
	row, found, err := c.read.Get(keyLast)
	if err != nil {
		return fmt.Errorf("read the last batch's keys: %w", err)
	}
	var keys [][]byte
	if found {
		if keys, err = parseLast(row); err != nil {
			return err
		}
	}
	for _, key := range keys {
		value, found, err := c.read.Get(key)
		if err != nil {
			return fmt.Errorf("read %q: %w", shown(key), err)
		}
		c.batch.Pairs = append(c.batch.Pairs, Pair{Key: key, Value: value, Gone: !found})
	}
	c.seal()
	return nil
}
