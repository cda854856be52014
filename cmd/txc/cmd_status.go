package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

func (p *program) statusCommand() *cli.Command {
	return &cli.Command{
		Name:   "status",
		Usage:  "tell whether the coordinator serves, and what it waits for",
		Action: p.do(0, 0, p.status),
	}
}

type statusObject struct {
	Version    string        `json:"version"`
	Cluster    string        `json:"cluster"`
	Number     uint32        `json:"number"`
	Epoch      uint32        `json:"epoch"`
	Mark       string        `json:"mark"`
	LSN        uint64        `json:"lsn"`
	State      string        `json:"state"` // serving, waiting, draining, refusing
	WaitingFor []string      `json:"waiting_for"`
	Live       uint64        `json:"live"`
	InDoubt    uint64        `json:"in_doubt"`
	DiskFree   uint64        `json:"disk_free"`
	DiskLow    bool          `json:"disk_low"`
	Floor      string        `json:"floor"` // "" if nothing was ever dropped from the history
	Started    *string       `json:"started"`
	Limits     *limitsObject `json:"limits"`
	Now        *string       `json:"now"` // its clock; null: not said
	Log        *checkObject  `json:"log"` // null: not said

	ProtocolMin uint32 `json:"protocol_min"` // 0: not said
	ProtocolMax uint32 `json:"protocol_max"`
}

type limitsObject struct {
	Branches   uint32 `json:"branches"`
	Work       uint32 `json:"work"`
	TxWork     uint32 `json:"tx_work"`
	Results    uint32 `json:"results"`
	Live       uint32 `json:"live"`
	Queue      uint32 `json:"queue"`
	Timeout    string `json:"timeout"`
	MaxTimeout string `json:"max_timeout"`
}

func (p *program) status(c *cli.Context) error {
	s, err := p.connect(c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	reply, err := s.Operator.Status(ctx, &txcpb.StatusRequest{})
	if err != nil {
		return unanswered(err)
	}
	return p.writeStatus(statusOf(reply))
}

func statusOf(r *txcpb.StatusReply) statusObject {
	o := statusObject{
		Version: r.GetVersion(), Cluster: r.GetCluster(), Number: r.GetCoordinator(), Epoch: r.GetEpoch(), Mark: txc.FormatMark(r.GetMark()),
		LSN: r.GetLsn(), State: r.GetState(), WaitingFor: listed(r.GetWaitingFor()), Live: r.GetLive(), InDoubt: r.GetInDoubt(),
		DiskFree: r.GetDiskFree(), DiskLow: r.GetDiskLow(), Floor: r.GetFloor(), Started: timeOf(r.GetStartedUnixMs()),
		Now: timeOf(r.GetNowUnixUs() / 1000), ProtocolMin: r.GetProtocolMin(), ProtocolMax: r.GetProtocolMax(),
	}
	if r.GetLog().GetKind() != "" {
		o.Log = checkOf(r.GetLog())
	}
	if l := r.GetLimits(); l != nil {
		o.Limits = &limitsObject{
			Branches: l.GetBranches(), Work: l.GetWork(), TxWork: l.GetTxWork(), Results: l.GetResults(), Live: l.GetLive(), Queue: l.GetQueue(),
			Timeout:    (time.Duration(l.GetTimeoutMs()) * time.Millisecond).String(),
			MaxTimeout: (time.Duration(l.GetMaxTimeoutMs()) * time.Millisecond).String(),
		}
	}
	return o
}

func (p *program) writeStatus(o statusObject) error {
	if p.asJSON {
		return p.writeJSON(o)
	}
	s := p.sheet()
	s.line("coordinator %d of cluster %s is %s (epoch %d, txc %s, since %s)", o.Number, harmless(o.Cluster), harmless(o.State), o.Epoch, harmless(o.Version), or(o.Started))
	for _, w := range o.WaitingFor {
		s.line("  waits: %s", harmless(w))
	}
	s.line("  transactions  %d in flight, %d of them decided and not applied everywhere", o.Live, o.InDoubt)
	low := ""
	if o.DiskLow {
		low = ": too little, nothing new is begun"
	}
	s.line("  log           %d records, %s free%s", o.LSN, bytesWords(o.DiskFree), low)
	if o.Floor != "" {
		s.line("  history       begins after %s", harmless(o.Floor))
	}
	return s.done()
}

func bytesWords(n uint64) string {
	units := strings.Fields("B KiB MiB GiB TiB PiB EiB")
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
