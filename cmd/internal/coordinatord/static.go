package coordinatord

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
)

// Pauses between tries, and how long one may take.
const (
	introduceMin = 200 * time.Millisecond
	introduceMax = time.Second
	introduceFor = 5 * time.Second
)

// introduce registers a participant that does not do so itself, again and again until it answers: a participant in
// another language needs no code for it. Its identity comes from its own hello.
func (c *Coordinator) introduce(ctx context.Context, s Static, log *slog.Logger) {
	said := ""
	for pause := introduceMin; ; pause = min(2*pause, introduceMax) {
		err := c.introduceOnce(ctx, s)
		if err == nil || ctx.Err() != nil {
			return
		}
		if err.Error() != said {
			said = err.Error()
			log.Warn("introduce: will be retried", "participant", s.Name, "address", s.Address, "err", err)
		}
		t := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

func (c *Coordinator) introduceOnce(ctx context.Context, s Static) error {
	ctx, cancel := context.WithTimeout(ctx, introduceFor)
	defer cancel()
	status, err := c.core.Status(ctx)
	if err != nil {
		return err
	}
	conn, err := rpc.Dial(s.Address)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer conn.Close()
	client := txcpb.NewParticipantClient(conn)
	from := &txcpb.Sender{Cluster: status.Cluster, Coordinator: status.Number, Epoch: status.Epoch, Mark: status.Mark, Lsn: status.LSN}
	check, err := client.Check(ctx, &txcpb.CheckRequest{From: from})
	if err != nil {
		return fmt.Errorf("ask what it is: %w", rpc.FromStatus(err))
	}
	hello, err := client.Recover(ctx, &txcpb.RecoverRequest{From: from, Participant: s.Name})
	if err != nil {
		return fmt.Errorf("say hello: %w", rpc.FromStatus(err))
	}
	peer := coordinator.Peer{
		Name: s.Name, Address: s.Address, Kind: check.GetKind(), Version: check.GetVersion(),
		Incarnation: hello.GetIncarnation(), Stamp: hello.GetStamp(),
	}
	if copy(peer.Instance[:], hello.GetInstance()) != len(peer.Instance) || len(hello.GetInstance()) != len(peer.Instance) {
		return fmt.Errorf("%w: an identity of %d bytes: %d are needed", txc.ErrInvalid, len(hello.GetInstance()), len(peer.Instance))
	}
	for _, seen := range hello.GetSeen() {
		peer.Seen = append(peer.Seen, coordinator.Seen{Coordinator: seen.GetCoordinator(), Epoch: seen.GetEpoch(), Mark: seen.GetMark(), LSN: seen.GetLsn()})
	}
	if _, err := c.core.Register(ctx, peer); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	return nil
}
