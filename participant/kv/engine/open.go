package engine

import (
	"fmt"
	"slices"

	"github.com/txc-dev/txc"
)

// Open restores a core from the store's content: promises with their locks, settlements, proofs, memory (P10).
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
	c := &Core{o: o, read: read, branches: make(map[Name]*branch), locks: NewLocks()}
	if err := c.recall(); err != nil {
		return nil, nil, err
	}
	if err := read.Scan([]byte{spaceIntent}, c.restore); err != nil {
		return nil, nil, fmt.Errorf("restore promises: %w", err)
	}
	if err := read.Scan([]byte{spaceProof}, c.restoreProof); err != nil {
		return nil, nil, fmt.Errorf("restore proofs: %w", err)
	}
	if err := c.rewrite(); err != nil {
		return nil, nil, err
	}
	return c, &c.batch, nil
}

// recall reads the memory; a store without one is new.
func (c *Core) recall() error {
	row, found, err := c.read.Get(keyMemory)
	if err != nil {
		return fmt.Errorf("read memory: %w", err)
	}
	if !found {
		c.mem.Instance = c.o.Instance
		return nil
	}
	if c.mem, err = parseMemory(row); err != nil {
		return err
	}
	c.stamp = c.mem.Stamp
	if c.o.Instance != [16]byte{} && c.mem.Instance != c.o.Instance {
		return fmt.Errorf("%w: the store is %x, its directory says %x: they do not belong together", txc.ErrRefused, c.mem.Instance, c.o.Instance)
	}
	return nil
}

// restore takes one promised or settled branch up again, with its locks: reads and absent keys included (S1).
func (c *Core) restore(key, value []byte) error {
	name, err := parseName(key)
	if err != nil {
		return err
	}
	row := slices.Clone(value)
	n, err := parseIntent(row)
	if err != nil {
		return fmt.Errorf("branch %v: %w", name.ID, err)
	}
	if opaque := len(n.Work) > 0; !c.o.Look && opaque != c.o.Opaque && (opaque || len(n.Writes)+len(n.Reads) > 0) {
		return fmt.Errorf("%w: branch %v belongs to another kind of store than this directory is opened as", txc.ErrRefused, name.ID)
	}
	b := &branch{
		name: name, members: n.Members, intent: n, row: row,
		owner: Owner{Age: Age{At: n.Age, Name: name}, Promised: true},
	}
	b.owner.branch = b
	c.branches[name] = b
	c.staged += len(row)
	if n.Settled != nil {
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

func (c *Core) restoreProof(key, value []byte) error {
	name, err := parseName(key)
	if err != nil {
		return err
	}
	fate, hand, err := parseProof(value)
	if err != nil {
		return fmt.Errorf("branch %v: %w", name.ID, err)
	}
	c.proofs.add(name, fate, hand)
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
