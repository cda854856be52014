package rpc

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
)

// Directory is a coordinator as a participant asks it: participant.Open takes it. Over the link that the coordinator
// makes nothing of this is needed but the first registration.
type Directory struct {
	conn    *grpc.ClientConn
	client  txcpb.DirectoryClient
	cluster string
}

// DialDirectory makes the connection to a coordinator at host:port, for a participant of this cluster. It returns at
// once and connects when something is asked.
func DialDirectory(addr, cluster string) (*Directory, error) {
	conn, err := Dial(addr)
	if err != nil {
		return nil, fmt.Errorf("%w: coordinator %q: %w", txc.ErrInvalid, addr, err)
	}
	return &Directory{conn: conn, client: txcpb.NewDirectoryClient(conn), cluster: cluster}, nil
}

// Close ends the connection. Twice is fine.
func (d *Directory) Close() error {
	if err := d.conn.Close(); err != nil && status.Code(err) != codes.Canceled { // Canceled: it is closed already
		return fmt.Errorf("close directory: %w", err)
	}
	return nil
}

// Register makes a participant known, durably before it returns.
func (d *Directory) Register(ctx context.Context, p protocol.Peer) (protocol.Sender, error) {
	r, err := d.client.Register(ctx, registerPB(d.cluster, &p))
	if err != nil {
		return protocol.Sender{}, fmt.Errorf("register %s: %w", p.Name, FromStatus(err))
	}
	return protocol.Sender{Cluster: d.cluster, Coordinator: r.GetCoordinator(), Epoch: r.GetEpoch(), Mark: r.GetMark()}, nil
}

func registerPB(cluster string, p *protocol.Peer) *txcpb.RegisterRequest {
	return &txcpb.RegisterRequest{
		Name: p.Name, Address: p.Address, Instance: p.Instance[:], Kind: p.Kind, Version: p.Version, Cluster: cluster,
		Seen: seenPB(p.Seen), Incarnation: p.Incarnation, Stamp: p.Stamp,
	}
}

// Inquire asks for a decision. Any error means that there was no answer.
func (d *Directory) Inquire(ctx context.Context, q protocol.Question) (protocol.Told, error) {
	r, err := d.client.Inquire(ctx, &txcpb.InquireRequest{
		Participant: q.Participant, Instance: q.Instance[:], Id: q.ID.String(), Members: q.Members, Seen: seenPB([]protocol.Seen{q.Seen})[0],
		Mark: q.Mark, Settled: txcpb.Fate(q.Settled), Why: reasonPB(q.Why), Cluster: d.cluster,
	})
	if err != nil {
		return protocol.Told{}, fmt.Errorf("inquire about %s: %w", q.ID, FromStatus(err))
	}
	from, err := senderOf(r.GetFrom())
	if err != nil {
		return protocol.Told{}, fmt.Errorf("inquire about %s: %w", q.ID, err)
	}
	return protocol.Told{
		Outcome: txc.Outcome(known(r.GetOutcome(), txcpb.Outcome_NOT_MINE)), From: *from, Recorded: r.GetRecorded(), Acknowledged: r.GetAcknowledged(),
	}, nil
}
