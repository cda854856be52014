package engine

import (
	"fmt"

	"github.com/txc-dev/txc"
)

// dropRows has the batch drop the oldest rows of the journal, and give what still counts of them rows of their own.
// What the same batch ends stays behind.
func (c *Core) dropRows() error {
	j := &c.journal
	for i := range j.drop {
		number := j.first + uint64(i)
		start := len(c.arena)
		c.arena = appendJournalKey(c.arena, number)
		key := c.arena[start:len(c.arena):len(c.arena)]
		if j.rows[i].live > 0 {
			if err := c.moveOut(key, number, j.rows[i].live); err != nil {
				return err
			}
		}
		c.batch.Pairs = append(c.batch.Pairs, Pair{Key: key, Gone: true})
	}
	return nil
}

// moveOut adds rows for what still counts of a journal's row: so many things.
func (c *Core) moveOut(key []byte, number uint64, live int) error {
	value, found, err := c.read.Get(key)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	if !found {
		return fmt.Errorf("%w: row %d of the journal is gone", txc.ErrRefused, number)
	}
	err = parseItems(value, func(it item) error {
		switch it.kind {
		case itemPromise:
			b := c.branches[it.name]
			if b == nil || b.home != number {
				return nil
			}
			live--
			if b.leaves != c.batch.Ticket+1 {
				c.put(spaceIntent, it.name, it.intent)
				c.journal.moved = append(c.journal.moved, moved{name: it.name, from: number})
			}
		case itemCommitted:
			if i, ok := c.proofs.search(it.name); ok && c.proofs.list[i].home == number {
				live--
				c.put(spaceProof, it.name, appendProof(nil, txc.CommittedBefore))
				c.journal.moved = append(c.journal.moved, moved{name: it.name, from: number, proof: true})
			}
		case itemGone:
		}
		return nil
	})
	if err == nil && live != 0 {
		err = fmt.Errorf("%w: row %d of the journal holds %d things fewer than it did", txc.ErrRefused, number, live)
	}
	return err
}

// moveDone has what moved out of the journal stand in its own row. A proof may have been forgotten meanwhile: then that
// row is to go again.
func (c *Core) moveDone() {
	for _, m := range c.journal.moved {
		if !m.proof {
			c.branches[m.name].home = 0
			continue
		}
		if i, ok := c.proofs.search(m.name); ok && c.proofs.list[i].home == m.from {
			c.proofs.list[i].home = 0
		} else {
			c.proofs.gone = append(c.proofs.gone, m.name)
		}
	}
	c.journal.dropped()
}
