package campaign

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// restAfterTrouble keeps a worker from asking a coordinator that is down as fast as it can.
const restAfterTrouble = 20 * time.Millisecond

// work runs transfers until `working` ends; what was begun is brought to its end.
func (c *Campaign) work(ctx, working context.Context, r Runner, rng *rand.Rand, worker string) {
	for n := 0; working.Err() == nil; n++ {
		t := c.Draw(rng, c.Cluster.Names(), fmt.Sprintf("t-%d-%s-%d", c.Seed, worker, n))
		told := r.Run(ctx, t.Key, t.Work())
		if told.Odd != "" {
			c.Book.Odd(t.Key + ": " + told.Odd)
		}
		c.Book.Add(Entry{Transfer: t, Heard: told.Heard, ID: told.ID, Why: told.Why})
		if told.Heard != Committed && pause(working, restAfterTrouble) != nil {
			return
		}
	}
}

// Draw draws a transfer among the first so many accounts of each participant: money goes from one to another, sometimes to
// two; some ask for more than there is, and some for what no branch can give.
func Draw(rng *rand.Rand, names []string, accounts int, key string) Transfer {
	order := rng.Perm(len(names))
	amount := 1 + rng.Int64N(60)
	t := Transfer{Key: key, Legs: []Leg{
		{Participant: names[order[0]], Account: rng.IntN(accounts), By: -amount},
		{Participant: names[order[1]], Account: rng.IntN(accounts), By: amount},
	}}
	if len(names) > 2 && rng.IntN(4) == 0 {
		fee := rng.Int64N(amount)
		t.Legs[1].By -= fee
		t.Legs = append(t.Legs, Leg{Participant: names[order[2]], Account: rng.IntN(accounts), By: fee})
	}
	if rng.IntN(12) == 0 {
		t.Legs[rng.IntN(len(t.Legs))].Impossible = true
	}
	return t
}

// Work is what a transfer does at each participant.
func (t Transfer) Work() map[string][]Op {
	work := map[string][]Op{}
	for _, leg := range t.Legs {
		floor := int64(0)
		if leg.Impossible {
			floor = 1 << 40
		}
		work[leg.Participant] = []Op{
			{Add: &Add{Key: AccountKey(leg.Account), By: leg.By, Min: &floor}},
			{Add: &Add{Key: TokenKey(t.Key), By: 1}},
		}
	}
	return work
}

// read reads all accounts in one transaction, again and again: it sees every transfer whole or not at all (S1).
func (c *Campaign) read(ctx, working context.Context, r Runner) {
	names := c.Cluster.Names()
	work := map[string][]Op{}
	for _, name := range names {
		for i := range Accounts {
			work[name] = append(work[name], Op{Get: &Key{AccountKey(i)}})
		}
	}
	for working.Err() == nil {
		told := r.Run(ctx, "", work)
		if told.Odd != "" {
			c.Book.Odd("read: " + told.Odd)
		}
		if told.Heard == Committed {
			c.tally(told)
		}
		if pause(working, restAfterTrouble) != nil {
			return
		}
	}
}

func (c *Campaign) tally(told Told) {
	var sum int64
	if told.Replayed {
		return // its first reply was lost, and what it had read with it
	}
	for name, reads := range told.Reads {
		for _, read := range reads {
			n, err := strconv.ParseInt(read.Value, 10, 64)
			if err != nil {
				c.Book.Odd(fmt.Sprintf("read %s: %s at %s is %q", told.ID, read.Key, name, read.Value))
			}
			sum += n
		}
	}
	c.Book.Read(sum, int64(len(c.Cluster.Names())*Accounts*Start), told.ID)
}
