package rpc

import (
	"time"

	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/internal/protocol"
)

// What a participant tells of itself, and a coordinator of its log.

func reportPB(r *coordinator.Report) *txcpb.CheckReply {
	p := &txcpb.CheckReply{
		Kind: r.Kind, Version: r.Version, Instance: r.Instance[:], InDoubt: r.InDoubt, OldestMs: r.Oldest.Milliseconds(), Locks: r.Locks,
		Slots: r.Slots, SlotsFree: r.Free, Capabilities: r.Capabilities, SyncUs: microseconds(r.Sync), FileSystem: r.FileSystem, Foreign: r.Foreign,
		ProtocolMin: r.ProtocolMin, ProtocolMax: r.ProtocolMax,
	}
	if !r.Clock.IsZero() {
		p.NowUnixUs = r.Clock.UnixMicro()
	}
	for _, f := range r.Findings {
		p.Findings = append(p.Findings, &txcpb.Finding{Name: f.Name, Severity: f.Severity, Text: f.Text, Waived: f.Waived})
	}
	return p
}

// microseconds of what is not nothing are at least one: 0 means that it is not said.
func microseconds(d time.Duration) uint64 {
	if d <= 0 {
		return 0
	}
	return uint64(max(d.Microseconds(), 1))
}

// Bounds of what a participant may tell of itself.
const (
	maxFindings     = 100
	maxCapabilities = 100
	longest         = 1 << 40 // milliseconds
)

func reportOf(p *txcpb.CheckReply) coordinator.Report {
	r := coordinator.Report{
		Kind: frame.CutText(p.GetKind()), Version: frame.CutText(p.GetVersion()), InDoubt: p.GetInDoubt(), Locks: p.GetLocks(),
		Oldest: time.Duration(min(max(p.GetOldestMs(), 0), longest)) * time.Millisecond, Slots: p.GetSlots(), Free: p.GetSlotsFree(),
		Foreign: p.GetForeign(), FileSystem: frame.CutText(p.GetFileSystem()), Sync: time.Duration(min(p.GetSyncUs(), longest)) * time.Microsecond,
		ProtocolMin: p.GetProtocolMin(), ProtocolMax: p.GetProtocolMax(),
	}
	copy(r.Instance[:], p.GetInstance())
	for _, c := range p.GetCapabilities()[:min(len(p.GetCapabilities()), maxCapabilities)] {
		r.Capabilities = append(r.Capabilities, frame.CutText(c))
	}
	if p.GetNowUnixUs() > 0 {
		r.Clock = time.UnixMicro(p.GetNowUnixUs())
	}
	for _, f := range p.GetFindings()[:min(len(p.GetFindings()), maxFindings)] {
		r.Findings = append(r.Findings, protocol.Finding{
			Name: frame.CutText(f.GetName()), Severity: frame.CutText(f.GetSeverity()), Text: frame.CutText(f.GetText()), Waived: f.GetWaived(),
		})
	}
	return r
}
