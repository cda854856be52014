package engine

import (
	"fmt"
	"slices"

	"github.com/txc-dev/txc"
)

// found is a promise or settlement that a store holds.
type found struct {
	name Name
	row  []byte
	home uint64
}

// restoreAll takes up what the store holds: rows of their own, and what the journal says.
func (c *Core) restoreAll(rows uint64) error {
	there := map[Name]found{}
	err := c.read.Scan([]byte{spaceIntent}, func(key, value []byte) error {
		name, err := parseName(key)
		there[name] = found{name: name, row: slices.Clone(value)}
		return err
	})
	if err != nil {
		return fmt.Errorf("restore promises: %w", err)
	}
	if err := c.read.Scan([]byte{spaceProof}, c.restoreProof); err != nil {
		return fmt.Errorf("restore proofs: %w", err)
	}
	packed, err := c.readJournal(rows)
	if err != nil {
		return fmt.Errorf("restore the journal: %w", err)
	}
	for name, f := range packed {
		if _, twice := there[name]; twice {
			return fmt.Errorf("%w: branch %v stands in the journal and in a row of its own", txc.ErrRefused, name.ID)
		}
		there[name] = f
	}
	all := make([]found, 0, len(there))
	for _, f := range there {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b found) int { return a.name.Compare(b.name) })
	for _, f := range all {
		if err := c.restore(f.name, f.row, f.home); err != nil {
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
	c.prove(proof{name: name, fate: fate, hand: hand})
	return nil
}

// readJournal reads so many rows, and gives the promises that they leave.
func (c *Core) readJournal(rows uint64) (map[Name]found, error) {
	packed := map[Name]found{}
	j := &c.journal
	err := c.read.Scan([]byte{spaceJournal}, func(key, value []byte) error {
		number, err := parseJournalKey(key)
		if err != nil {
			return err
		}
		if number != j.next() {
			return fmt.Errorf("%w: row %d in the place of row %d", txc.ErrRefused, number, j.next())
		}
		j.rows = append(j.rows, journalRow{bytes: len(value)})
		j.bytes += len(value)
		return parseItems(value, func(it item) error {
			if it.kind != itemPromise {
				j.lets(packed[it.name].home)
				delete(packed, it.name)
				if it.kind == itemCommitted {
					c.prove(proof{name: it.name, fate: txc.CommittedBefore, home: number})
				}
				return nil
			}
			if _, twice := packed[it.name]; twice {
				return fmt.Errorf("%w: branch %v is promised twice", txc.ErrRefused, it.name.ID)
			}
			packed[it.name] = found{it.name, slices.Clone(it.intent), number}
			j.holds(number)
			return nil
		})
	})
	if err == nil && uint64(len(j.rows)) != rows {
		err = fmt.Errorf("%w: %d rows, where there were %d", txc.ErrRefused, len(j.rows), rows)
	}
	return packed, err
}
