package blackbox_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/wal/badgerwal"
	"github.com/txc-dev/txc/wal/filling"
)

var (
	history = flag.Int("history", 50_000, "finished transactions in the log before the restart; the goal's figure is 1000000")
	doubt   = flag.Int("doubt", 2_000, "transactions in doubt at the restart; the goal's figure is 10000")
)

// Bounds of the restart: many times what it should take (2 s and 5 s at the goal's figures), so that a busy machine does
// not fail it. The figures are printed.
const (
	servingLimit = 20 * time.Second
	doubtLimit   = 50 * time.Second
)

// past is an opening of a coordinator's log that has ended, with transactions that it left in doubt.
type past struct {
	epoch     uint32
	mark      uint64
	first     uint64
	committed []txc.ID // recorded, and told nobody
	undecided []txc.ID // promised everywhere, and never recorded
}

// C8: serving again costs what is unfinished, not what is history; then everything in doubt ends as the log says.
func TestRestartWithManyInDoubt(t *testing.T) {
	c := procs.NewCluster(t, []string{"bank-a", "bank-b"})
	if err := campaign.Registered(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if code, err := c.Coordinator.Stop(); code != 0 || err != nil {
		t.Fatalf("stop the coordinator: code %d: %v", code, err)
	}
	began := time.Now()
	p := write(t, c.CoordinatorData())
	t.Logf("%d finished transactions were written in %v", *history, time.Since(began).Round(time.Millisecond))
	began = time.Now()
	for _, s := range c.Participants {
		promise(t, s, p)
		s.Kill()
	}
	t.Logf("%d branches were promised in %v", 2**doubt, time.Since(began).Round(time.Millisecond))
	for _, s := range c.Participants {
		began = time.Now()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s with %d promises was ready after %v", s.Name, *doubt, time.Since(began).Round(time.Millisecond))
	}

	began = time.Now()
	if err := c.Coordinator.Start(); err != nil {
		t.Fatal(err)
	}
	serving := time.Since(began)
	settled, err := campaign.Settle(t.Context(), c, began.Add(serving), doubtLimit)
	t.Logf("%d in doubt, %d in the history: serving after %v (goal 2 s), all settled %v later (goal 5 s)",
		*doubt, *history, serving.Round(time.Millisecond), settled.Round(time.Millisecond))
	if err != nil {
		t.Error(err)
	}
	if serving > servingLimit {
		t.Errorf("serving after %v", serving)
	}
	c.KillAll()
	for _, name := range c.Names() {
		checkSettled(t, name, c.ReadDump(t, name), p)
	}
}

// write adds a long past to a coordinator's log, one in ten of what is in doubt without a decision.
func write(t *testing.T, dir string) past {
	t.Helper()
	log, rec, err := badgerwal.Open(dir, badgerwal.Options{Cluster: "txc", Number: 1, MinFree: 1, Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	p := past{epoch: rec.Epoch, mark: rec.Mark, first: rec.First}
	undecided := *doubt / 10
	p.committed, err = filling.Fill(t.Context(), log, filling.Past{Number: 1, Epoch: rec.Epoch, Finished: *history, Unfinished: *doubt - undecided})
	if err != nil {
		t.Fatal(err)
	}
	for i := range undecided {
		p.undecided = append(p.undecided, txc.ID{Coordinator: 1, Epoch: rec.Epoch, Sequence: uint64(*history + *doubt + i + 1)})
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// promise asks a participant, in the name of that opening, for its promise of everything that is in doubt.
func promise(t *testing.T, s *procs.Server, p past) {
	t.Helper()
	conn, err := grpc.NewClient(s.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	participant := txcpb.NewParticipantClient(conn)
	from := &txcpb.Sender{Cluster: "txc", Coordinator: 1, Epoch: p.epoch, Mark: p.mark, Lsn: p.first}
	hello, err := participant.Recover(t.Context(), &txcpb.RecoverRequest{From: from, Participant: s.Name})
	if err != nil {
		t.Fatal(err)
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(256)
	for _, ids := range [][]txc.ID{p.committed, p.undecided} {
		for _, id := range ids {
			group.Go(func() error { return promiseOne(ctx, participant, s.Name, from, hello.GetIncarnation(), id) })
		}
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func promiseOne(ctx context.Context, participant txcpb.ParticipantClient, name string, from *txcpb.Sender, incarnation uint64, id txc.ID) error {
	work, err := client.KV(client.Put("doubt/"+id.String(), []byte("done"))).MarshalWork()
	if err != nil {
		return err
	}
	reply, err := participant.Prepare(ctx, &txcpb.PrepareRequest{
		From: from, Id: id.String(), Participant: name, TimeLeftMs: 60_000, Age: id.Sequence,
		Members: []string{"bank-a", "bank-b"}, Work: work, Incarnation: incarnation,
	})
	if err != nil {
		return err
	}
	if reply.GetVote() != txcpb.Vote_YES {
		return fmt.Errorf("%s voted %v on %s: %v", name, reply.GetVote(), id, reply.GetReason())
	}
	return nil
}

// checkSettled: what was recorded is there, what was not is not, nothing is in doubt.
func checkSettled(t *testing.T, name string, d procs.Dump, p past) {
	t.Helper()
	missing, extra := 0, 0
	for _, id := range p.committed {
		if d.Data["doubt/"+id.String()] != "done" {
			missing++
		}
	}
	for _, id := range p.undecided {
		if d.Data["doubt/"+id.String()] != "" {
			extra++
		}
	}
	if missing > 0 || extra > 0 || len(d.InDoubt) > 0 || len(d.Locks) > 0 {
		t.Errorf("%s: %d committed ones are missing, %d undecided ones are there, %d branches are in doubt, %d keys are locked",
			name, missing, extra, len(d.InDoubt), len(d.Locks))
	}
	for key := range d.Data {
		if !strings.HasPrefix(key, "doubt/") {
			t.Errorf("%s: unexpected key %q", name, key)
		}
	}
}
