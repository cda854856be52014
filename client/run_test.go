package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/client"
)

var errCut = status.Error(codes.Unavailable, "the connection is cut")

type ids struct {
	number   uint32
	sequence uint64
}

func (i *ids) String() string {
	return txc.ID{Coordinator: i.number, Epoch: 1, Sequence: i.sequence}.String()
}

func sequence(id string) uint64 {
	n, err := strconv.ParseUint(id[strings.LastIndexByte(id, '.')+1:], 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func cloned(t *txcpb.TxReply) *txcpb.TxReply { return proto.CloneOf(t) }

func transfer(_ context.Context, tx *client.Tx) error {
	return errors.Join(tx.Enlist("a", client.KV(client.Add("alice", -1).AtLeast(0))), tx.Enlist("b", client.KV(client.Add("bob", 1))))
}

func TestRunIsOneRequest(t *testing.T) {
	d := newDesk(t, 1).open()
	r, err := d.client().Run(within(t), transfer, client.Key("k"), client.Label("kind", "test"), client.Timeout(3*time.Second), client.WaitDecided())
	if err != nil || r.Outcome != txc.Committed || r.ID.IsZero() || r.Key != "k" || len(r.Branches) != 2 {
		t.Fatalf("%+v: %v", r, err)
	}
	asked := d.seen()
	if len(asked) != 1 || asked[0].GetBegin().GetKey() != "k" || asked[0].GetBegin().GetTimeoutMs() != 3000 || asked[0].GetWait() != txcpb.Wait_DECIDED ||
		asked[0].GetBegin().GetLabels()["kind"] != "test" || len(asked[0].GetBranches()) != 2 || asked[0].GetBegin().GetOwnKey() {
		t.Fatalf("%v", asked)
	}
	var w txcpb.Work
	if err := proto.Unmarshal(asked[0].GetBranches()[0].GetWork(), &w); err != nil || w.GetKv().GetOps()[0].GetAdd().GetBy() != -1 || w.GetKv().GetOps()[0].GetAdd().GetMin() != 0 {
		t.Fatalf("%v: %v", &w, err)
	}
}

func TestOutcomesAreToldApart(t *testing.T) {
	for _, row := range []struct {
		name  string
		reply *txcpb.TxReply
		of    error
		code  txc.Code
	}{
		{"an abort for good", aborted("refused", false), txc.ErrAborted, txc.CodeRefused},
		{"committed, but mixed", &txcpb.TxReply{Outcome: txcpb.Outcome_COMMIT, Heuristic: txcpb.Heuristic_MIXED}, txc.ErrMixed, ""},
		{"aborted, but mixed", &txcpb.TxReply{Outcome: txcpb.Outcome_ABORT, Heuristic: txcpb.Heuristic_MIXED}, txc.ErrMixed, ""},
		{"older than the history", &txcpb.TxReply{Outcome: txcpb.Outcome_UNKNOWN, Older: true}, txc.ErrUnknown, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk(t, 1)
			d.script = func(*desk, int, *txcpb.RunRequest) *txcpb.TxReply { return row.reply }
			r, err := d.open().client().Run(within(t), transfer)
			var refusal *txc.Refusal
			if !errors.Is(err, row.of) || row.code != "" && (!errors.As(err, &refusal) || refusal.Reason.Code != row.code) || r.ID.IsZero() {
				t.Fatalf("%+v: %v", r, err)
			}
			if n := len(d.seen()); n != 1 {
				t.Fatalf("asked %d times", n)
			}
		})
	}
}

func TestS3ARetryKeepsKeyAndAge(t *testing.T) {
	d := newDesk(t, 1)
	d.script = func(_ *desk, n int, _ *txcpb.RunRequest) *txcpb.TxReply {
		if n < 3 {
			return aborted("conflict", true)
		}
		return nil
	}
	calls := 0
	r, err := d.open().client().Run(within(t), func(ctx context.Context, tx *client.Tx) error {
		calls++
		return transfer(ctx, tx)
	})
	if err != nil || r.Outcome != txc.Committed || calls != 4 {
		t.Fatalf("%+v after %d: %v", r, calls, err)
	}
	asked := d.seen()
	for i, a := range asked {
		if a.GetBegin().GetKey() != asked[0].GetBegin().GetKey() || !a.GetBegin().GetOwnKey() {
			t.Errorf("try %d has another key: %v", i, a.GetBegin())
		}
		if want := uint64(1000); i > 0 && a.GetBegin().GetAge() != want {
			t.Errorf("try %d has age %d, want %d", i, a.GetBegin().GetAge(), want)
		}
	}
}

func TestRunGivesUpAtItsTimeout(t *testing.T) {
	d := newDesk(t, 1)
	d.script = func(*desk, int, *txcpb.RunRequest) *txcpb.TxReply { return aborted("conflict", true) }
	began := time.Now()
	_, err := d.open().client().Run(within(t), transfer, client.Timeout(200*time.Millisecond))
	if !errors.Is(err, txc.ErrAborted) || time.Since(began) > 5*time.Second || len(d.seen()) < 2 {
		t.Fatalf("after %v and %d tries: %v", time.Since(began), len(d.seen()), err)
	}
}

func TestAFailingFunctionLeavesNothing(t *testing.T) {
	d := newDesk(t, 1).open()
	mine := errors.New("mine")
	_, err := d.client().Run(within(t), func(ctx context.Context, tx *client.Tx) error { return errors.Join(transfer(ctx, tx), mine) })
	if !errors.Is(err, mine) || len(d.seen()) != 0 {
		t.Fatalf("%v, asked %v", err, d.seen())
	}
}

func TestC11ALostReplyIsAskedForAgainUnderItsKey(t *testing.T) {
	for _, row := range []struct {
		name string
		d    func(d *desk)
		runs int
	}{
		{"the reply was lost", func(d *desk) { d.lose = func(n int) bool { return n < 3 } }, 1},
		{"the request was lost", func(d *desk) { d.drop = func(n int) bool { return n < 3 } }, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk(t, 1)
			row.d(d)
			calls := 0
			r, err := d.open().client().Run(within(t), func(ctx context.Context, tx *client.Tx) error {
				calls++
				return transfer(ctx, tx)
			})
			if err != nil || r.Outcome != txc.Committed || d.runs != row.runs || calls != 1 {
				t.Fatalf("%+v, %d runs, %d calls of f: %v", r, d.runs, calls, err)
			}
			asked := d.seen()
			if last := asked[len(asked)-1].GetBegin(); d.lose != nil && last.GetFirstSentMsAgo() == 0 {
				t.Fatalf("a repetition does not say so: %v", last)
			}
		})
	}
}

// What was sent may arrive at last, when a later try is over: only what the later ones say tells it apart.
func TestC11ATryAfterALostReplySaysThatItIsNotTheFirst(t *testing.T) {
	d := newDesk(t, 1)
	d.lose = func(n int) bool { return n == 0 }
	d.script = func(_ *desk, n int, _ *txcpb.RunRequest) *txcpb.TxReply {
		if n < 2 {
			return aborted("conflict", true)
		}
		return nil
	}
	r, err := d.open().client().Run(within(t), transfer)
	if asked := d.seen(); err != nil || r.Outcome != txc.Committed || len(asked) != 3 {
		t.Fatalf("%+v after %v: %v", r, asked, err)
	}
	for i, a := range d.seen() {
		if got := a.GetBegin().GetFirstSentMsAgo(); (i > 0) != (got > 0) {
			t.Errorf("request %d was first sent %d ms ago", i, got)
		}
	}
}

func TestUnknownStaysUnknown(t *testing.T) {
	d := newDesk(t, 1)
	d.lose = func(int) bool { return true }
	c := d.open().client()
	ctx, cancel := context.WithTimeout(within(t), 300*time.Millisecond)
	defer cancel()
	r, err := c.Run(ctx, transfer, client.Key("k"))
	if !errors.Is(err, txc.ErrUnknown) || errors.Is(err, txc.ErrAborted) || errors.Is(err, txc.ErrUnavailable) || r.Key != "k" {
		t.Fatalf("P8: %+v: %v", r, err)
	}
	d.mu.Lock()
	d.lose = nil
	d.mu.Unlock()
	later, err := c.OutcomeOf(within(t), "k")
	if err != nil || later.Outcome != txc.Committed {
		t.Fatalf("%+v: %v", later, err)
	}
}

func TestNobodyThereIsCertain(t *testing.T) {
	d := newDesk(t, 1).open()
	c := d.client()
	d.close()
	ctx, cancel := context.WithTimeout(within(t), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Run(ctx, transfer); !errors.Is(err, txc.ErrUnavailable) || errors.Is(err, txc.ErrUnknown) {
		t.Fatalf("%v", err)
	}
	if _, err := client.Dial([]string{d.address}, client.Options{DialWait: 100 * time.Millisecond}); !errors.Is(err, txc.ErrUnavailable) {
		t.Fatalf("%v", err)
	}
	if _, err := client.Dial(nil, client.Options{}); !errors.Is(err, txc.ErrInvalid) {
		t.Fatalf("%v", err)
	}
}

func TestConnectedAgainWithinASecond(t *testing.T) {
	d := newDesk(t, 1).open()
	c := d.client()
	for range 3 {
		if _, err := c.Run(within(t), transfer); err != nil {
			t.Fatal(err)
		}
		d.close()
		d.open()
		began := time.Now()
		if _, err := c.Run(within(t), transfer); err != nil || time.Since(began) > 1500*time.Millisecond {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	}
}

func TestWithoutSessionUnaryCallsDo(t *testing.T) {
	d := newDesk(t, 1)
	d.unary = true
	r, err := d.open().client().Run(within(t), transfer)
	if err != nil || r.Outcome != txc.Committed {
		t.Fatalf("%+v: %v", r, err)
	}
}

func TestInteractive(t *testing.T) {
	d := newDesk(t, 1).open()
	c := d.client()
	tx, err := c.Begin(within(t), client.Key("k"))
	if err != nil || tx.ID().IsZero() || tx.Key() != "k" {
		t.Fatalf("%v: %v", tx, err)
	}
	if err := transfer(within(t), tx); err != nil {
		t.Fatal(err)
	}
	r, err := tx.Commit(within(t))
	if err != nil || r.Outcome != txc.Committed {
		t.Fatalf("%+v: %v", r, err)
	}
	if again, err := tx.Commit(within(t)); err != nil || again.ID != r.ID {
		t.Fatalf("a second Commit: %+v: %v", again, err)
	}
	if err := tx.Rollback(within(t)); err != nil {
		t.Fatalf("Rollback after Commit: %v", err)
	}
	if err := tx.Enlist("c", client.Raw("x")); !errors.Is(err, txc.ErrInvalid) {
		t.Fatalf("Enlist after Commit: %v", err)
	}
	byID, err := c.Outcome(within(t), r.ID)
	if err != nil || byID.Outcome != txc.Committed {
		t.Fatalf("%+v: %v", byID, err)
	}

	d.mu.Lock()
	d.dumb = 3
	d.mu.Unlock()
	patient, err := c.Begin(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := patient.Commit(within(t)); err != nil || r.Outcome != txc.Committed {
		t.Fatalf("what is not known yet is asked for again: %+v: %v", r, err)
	}

	other, err := c.Begin(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Rollback(within(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Commit(within(t)); !errors.Is(err, txc.ErrAborted) {
		t.Fatalf("Commit after Rollback: %v", err)
	}
	if got, err := c.Outcome(within(t), other.ID()); err != nil || got.Outcome != txc.Aborted {
		t.Fatalf("%+v: %v", got, err)
	}
	if _, err := c.Outcome(within(t), txc.ID{Coordinator: 1, Epoch: 1, Sequence: 999}); !errors.Is(err, txc.ErrNotFound) {
		t.Fatalf("an id that was never issued: %v", err)
	}
}

func TestBadRequestsAreRefusedHere(t *testing.T) {
	d := newDesk(t, 1).open()
	c := d.client()
	for name, f := range map[string]func() error{
		"a key too long":     func() error { _, err := c.Run(within(t), transfer, client.Key(strings.Repeat("k", 129))); return err },
		"a timeout of zero":  func() error { _, err := c.Run(within(t), transfer, client.Timeout(0)); return err },
		"a label's bad name": func() error { _, err := c.Begin(within(t), client.Label("A b", "")); return err },
		"a participant twice": func() error {
			_, err := c.Run(within(t), func(ctx context.Context, tx *client.Tx) error {
				return errors.Join(transfer(ctx, tx), tx.Enlist("a", client.Raw("x")))
			})
			return err
		},
		"work too large": func() error {
			_, err := c.Run(within(t), func(_ context.Context, tx *client.Tx) error {
				return tx.Enlist("a", client.Raw(make([]byte, txc.MaxWork+1)))
			})
			return err
		},
	} {
		if err := f(); !errors.Is(err, txc.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(d.seen()); n != 0 {
		t.Errorf("%d of them were sent", n)
	}
}

func TestAKeyAlwaysGoesToTheSameCoordinator(t *testing.T) {
	one, two, three := newDesk(t, 1).open(), newDesk(t, 2).open(), newDesk(t, 3).open()
	c, other := one.client(two, three), three.client(one, two)
	for i := range 60 {
		for _, c := range []*client.Client{c, other} {
			if _, err := c.Run(within(t), transfer, client.Key(fmt.Sprint("key-", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, d := range []*desk{one, two, three} {
		if d.runs < 5 || len(d.seen()) != 2*d.runs {
			t.Errorf("coordinator %d: %d keys, %d requests", d.number, d.runs, len(d.seen()))
		}
	}
	r, err := c.Run(within(t), transfer, client.Key("key-7"))
	if err != nil || !r.Replayed {
		t.Fatalf("%+v: %v", r, err)
	}
	if got, err := c.Outcome(within(t), r.ID); err != nil || got.Outcome != txc.Committed {
		t.Fatalf("an id finds its coordinator: %+v: %v", got, err)
	}
	if _, err := c.Outcome(within(t), txc.ID{Coordinator: 9, Epoch: 1, Sequence: 1}); !errors.Is(err, txc.ErrInvalid) {
		t.Fatalf("an id of nobody: %v", err)
	}
}

func TestOnlyKeysOfALostCoordinatorMove(t *testing.T) {
	var desks []*desk
	for n := range uint32(4) {
		desks = append(desks, newDesk(t, n+1).open())
	}
	home := func(c *client.Client, key string) uint32 {
		r, err := c.Run(within(t), transfer, client.Key(key))
		if err != nil {
			t.Fatal(err)
		}
		return r.ID.Coordinator
	}
	all := desks[0].client(desks[1:]...)
	for gone := range desks {
		rest := slices.Delete(slices.Clone(desks), gone, gone+1)
		fewer := rest[0].client(rest[1:]...)
		for i := range 20 {
			key := fmt.Sprint("key-", i)
			if before, after := home(all, key), home(fewer, key); before != after && before != desks[gone].number {
				t.Errorf("%s moved from %d to %d when %d was taken away", key, before, after, desks[gone].number)
			}
		}
	}
}

func TestTenThousandAtOnceOnOneConnection(t *testing.T) {
	n := 10000
	if testing.Short() {
		n = 1000
	}
	d := newDesk(t, 1).open()
	c := d.client()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if r, err := c.Run(within(t), transfer); err != nil || r.Outcome != txc.Committed {
				t.Errorf("%+v: %v", r, err)
			}
		})
	}
	all.Wait()
	if d.runs != n {
		t.Fatalf("%d runs, want %d", d.runs, n)
	}
}
