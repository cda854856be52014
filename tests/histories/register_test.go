package histories_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// said is what an answer says of a transaction.
type said uint8

const (
	nothing   said = iota // unknown: it constrains nothing
	undecided             // this id was not decided yet
	committed             // this id
	aborted               // this id
	free                  // no transaction has committed under this key
)

func (s said) String() string {
	return [...]string{"nothing", "undecided", "committed", "aborted", "free"}[s]
}

// observation is an answer, and when it was asked for and given.
type observation struct {
	key, id    string
	says       said
	begin, end time.Duration
}

// decisions is what is true of one key at a time: one id under it may have committed, others aborted (C2, C11).
type decisions struct {
	committed string
	aborted   string // ids, a comma behind each
}

// see is what the state becomes by an answer; false: it cannot be given in this state.
func (d decisions) see(o observation) (bool, decisions) {
	gone := slices.Contains(strings.Split(d.aborted, ","), o.id)
	switch o.says {
	case committed:
		ok := !gone && (d.committed == "" || d.committed == o.id)
		d.committed = o.id
		return ok, d
	case aborted:
		if !gone {
			d.aborted += o.id + ","
		}
		return d.committed != o.id, d
	case undecided:
		return !gone && d.committed != o.id, d
	case free:
		return d.committed == "", d
	default:
		return true, d
	}
}

// register is a transaction's status: whoever has seen it decided, nobody sees it otherwise from then on.
var register = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		by := map[string][]porcupine.Operation{}
		for _, op := range all {
			key := op.Input.(string)
			by[key] = append(by[key], op)
		}
		parts := make([][]porcupine.Operation, 0, len(by))
		for _, ops := range by {
			parts = append(parts, ops)
		}
		return parts
	},
	Init: func() any { return decisions{} },
	Step: func(state, _, output any) (bool, any) {
		return state.(decisions).see(output.(observation))
	},
	DescribeOperation: func(_, output any) string { return fmt.Sprintf("%+v", output) },
}

// registerTime bounds the search.
const registerTime = time.Minute

// judgeRegisters says which keys' answers contradict each other.
func judgeRegisters(seen []observation) error {
	by := map[string][]porcupine.Operation{}
	for i, o := range seen {
		by[o.key] = append(by[o.key], porcupine.Operation{ClientId: i, Input: o.key, Output: o, Call: int64(o.begin), Return: int64(o.end)})
	}
	for key, ops := range by {
		if got := porcupine.CheckOperationsTimeout(register, ops, registerTime); got != porcupine.Ok {
			var lines []string
			for _, op := range ops {
				lines = append(lines, fmt.Sprintf("%+v", op.Output))
			}
			return fmt.Errorf("%s: %s: no order of these answers fits a decision that never changes:\n\t%s", key, got, strings.Join(lines, "\n\t"))
		}
	}
	return nil
}

// observer asks what became of transactions while they run, and shortly after.
type observer struct {
	rec *recorder
	rng *rand.Rand
	ask func(ctx context.Context, k keys) (id string, says said)
}

// watch asks until `working` ends.
func (w observer) watch(ctx, working context.Context) {
	for working.Err() == nil {
		if k, ok := w.rec.choose(w.rng.IntN(latest)); ok {
			if w.rng.IntN(2) == 0 {
				k.id = "" // by its key
			}
			o := observation{key: k.key, begin: w.rec.now()}
			o.id, o.says = w.ask(ctx, k)
			o.end = w.rec.now()
			w.rec.observe(o)
		}
		select {
		case <-working.Done():
		case <-time.After(rest / 4):
		}
	}
}

// means is what an answer's words say.
func means(outcome, id, code string) said {
	switch {
	case outcome == txc.Unknown.String() && id == "" && code == string(txc.CodeNotFound):
		return free
	case id == "":
		return nothing
	case outcome == txc.Committed.String():
		return committed
	case outcome == txc.Aborted.String():
		return aborted
	case outcome == txc.Undecided.String():
		return undecided
	default:
		return nothing
	}
}

// askLibrary asks with package client.
func askLibrary(l campaign.Library) func(context.Context, keys) (string, said) {
	return func(ctx context.Context, k keys) (string, said) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var r client.Result
		var err error
		if k.id == "" {
			r, err = l.Client.OutcomeOf(ctx, k.key)
		} else {
			var id txc.ID
			if id, err = txc.ParseID(k.id); err == nil {
				r, err = l.Client.Outcome(ctx, id)
			}
		}
		if err != nil {
			return k.id, nothing
		}
		id := ""
		if !r.ID.IsZero() {
			id = r.ID.String()
		}
		return id, means(r.Outcome.String(), id, string(r.Reason.Code))
	}
}

// askCommand asks with txc show.
func askCommand(c *procs.Cluster) func(context.Context, keys) (string, said) {
	return func(ctx context.Context, k keys) (string, said) {
		args := []string{"show", "--key", k.key}
		if k.id != "" {
			args = []string{"show", k.id}
		}
		var tx procs.Tx
		r := procs.RunContext(ctx, c.TxcPath(), "", c.Args(args...)...)
		if err := r.JSON(&tx); err != nil || tx.Error != nil {
			return k.id, nothing
		}
		code := ""
		if tx.Reason != nil {
			code = tx.Reason.Code
		}
		return tx.ID, means(tx.Outcome, tx.ID, code)
	}
}

// The register must be able to say no.
func TestRegister(t *testing.T) {
	at := func(begin, end int, says said, id string) observation {
		return observation{"k", id, says, time.Duration(begin), time.Duration(end)}
	}
	for says, row := range map[string]struct {
		seen []observation
		ok   bool
	}{
		"undecided, then committed for ever":          {[]observation{at(0, 9, committed, "1"), at(1, 2, undecided, "1"), at(3, 4, committed, "1")}, true},
		"an abort frees the key":                      {[]observation{at(0, 1, aborted, "1"), at(2, 3, free, ""), at(4, 5, committed, "2"), at(6, 7, aborted, "1")}, true},
		"overlapping answers go in either order":      {[]observation{at(0, 9, committed, "1"), at(0, 9, free, ""), at(0, 9, undecided, "1")}, true},
		"what is unknown contradicts nothing":         {[]observation{at(0, 1, committed, "1"), at(2, 3, nothing, "1")}, true},
		"committed, then aborted":                     {[]observation{at(0, 1, committed, "1"), at(2, 3, aborted, "1")}, false},
		"aborted, then committed":                     {[]observation{at(0, 1, aborted, "1"), at(2, 3, committed, "1")}, false},
		"committed, then undecided":                   {[]observation{at(0, 1, committed, "1"), at(2, 3, undecided, "1")}, false},
		"aborted, then undecided":                     {[]observation{at(0, 1, aborted, "1"), at(2, 3, undecided, "1")}, false},
		"committed, then forgotten":                   {[]observation{at(0, 1, committed, "1"), at(2, 3, free, "")}, false},
		"two committed under one key":                 {[]observation{at(0, 1, committed, "1"), at(2, 3, committed, "2")}, false},
		"two observers see both ends while it runs":   {[]observation{at(0, 9, committed, "1"), at(0, 9, aborted, "1")}, false},
		"committed is taken back by a later observer": {[]observation{at(0, 1, undecided, "1"), at(2, 3, committed, "1"), at(4, 5, free, "")}, false},
	} {
		if err := judgeRegisters(row.seen); (err == nil) != row.ok {
			t.Errorf("%s: %v", says, err)
		}
	}
}
