package filling

import (
	"context"
	"fmt"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// Past is so many transactions that have ended, and so many that have not, spread evenly.
type Past struct {
	Number     uint32 // the coordinator's
	Epoch      uint32 // of the log's opening
	From       uint64 // first sequence; 0: 1
	Finished   int
	Unfinished int
	Members    []string      // of every transaction; default bank-a, bank-b
	When       time.Time     // of the first record; default now
	Apart      time.Duration // time between two transactions
}

const fillGroup = 4096 // records of one Append

// Fill writes such a past, in large groups, and gives the ids of the unfinished ones.
func Fill(ctx context.Context, log wal.Log, f Past) (unfinished []txc.ID, err error) {
	f.From = max(f.From, 1)
	if f.Members == nil {
		f.Members = []string{"bank-a", "bank-b"}
	}
	if f.When.IsZero() {
		f.When = time.Now()
	}
	body := wal.CommitBody{}
	for _, name := range f.Members {
		body.Members = append(body.Members, wal.Member{Participant: name, Evidence: []byte(name)})
	}
	var recs []wal.Record
	flush := func() error {
		if _, err := log.Append(ctx, recs); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		recs = recs[:0]
		return nil
	}
	total := f.Finished + f.Unfinished
	for i := range total {
		id := txc.ID{Coordinator: f.Number, Epoch: f.Epoch, Sequence: f.From + uint64(i)}
		when := f.When.Add(time.Duration(i) * f.Apart)
		body.Began = when
		recs = append(recs, wal.New(id, when, body))
		if (i+1)*f.Unfinished/total > i*f.Unfinished/total {
			unfinished = append(unfinished, id)
		} else {
			recs = append(recs, wal.New(id, when, wal.EndBody{Took: time.Millisecond}))
		}
		if len(recs) >= fillGroup {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	return unfinished, flush()
}
