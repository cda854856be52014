package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

func (p *program) participantsCommand() *cli.Command {
	return &cli.Command{
		Name:        "participants",
		Usage:       "list the participants, and ask each about itself",
		Description: "Exit code 7 if one of them could not be asked.",
		Action:      p.do(0, 0, p.participants),
		Subcommands: []*cli.Command{{
			Name:        "remove",
			Usage:       "take a participant out: no new work; gone once nothing needs it",
			ArgsUsage:   "NAME",
			Description: "Repeatable. It stays draining until no record needs it and it has nothing in doubt itself.",
			Flags:       []cli.Flag{flagReason(), flagWho()},
			Action:      p.do(1, 1, p.removeParticipant),
		}},
	}
}

type participantsObject struct {
	Participants []participantObject `json:"participants"`
	Unreachable  []string            `json:"unreachable"`
}

type participantObject struct {
	Name        string       `json:"name"`
	Address     string       `json:"address"`
	Kind        string       `json:"kind"`
	Version     string       `json:"version"`
	State       string       `json:"state"`
	Instance    string       `json:"instance"`
	Incarnation string       `json:"incarnation"`
	Stamp       uint64       `json:"stamp"`
	Load        uint32       `json:"load"`
	Ahead       *string      `json:"ahead"`  // of its clock before the coordinator's; null: not known
	Within      *string      `json:"within"` // give or take
	Check       *checkObject `json:"check"`  // null: it could not be asked
}

type checkObject struct {
	Kind         string          `json:"kind"`
	Version      string          `json:"version"`
	InDoubt      uint64          `json:"in_doubt"`
	Oldest       *string         `json:"oldest"` // null: nothing is in doubt
	Locks        uint64          `json:"locks"`
	Slots        uint64          `json:"slots"`
	SlotsFree    uint64          `json:"slots_free"`
	Capabilities []string        `json:"capabilities"`
	Findings     []findingObject `json:"findings"`
	Sync         *string         `json:"sync"` // what one synced write took; null: not said
	FileSystem   string          `json:"file_system"`
	Foreign      uint64          `json:"foreign"`
	ProtocolMin  uint32          `json:"protocol_min"` // 0: not said
	ProtocolMax  uint32          `json:"protocol_max"`
}

type findingObject struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
	Waived   bool   `json:"waived"`
}

func (p *program) participants(c *cli.Context) error {
	s, err := p.connect(c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	reply, err := s.Operator.Participants(ctx, &txcpb.ParticipantsRequest{})
	if err != nil {
		return unanswered(err)
	}
	o := participantsOf(reply)
	if len(o.Unreachable) > 0 {
		p.finding("could not be asked: %s", strings.Join(o.Unreachable, ", "))
	}
	if p.asJSON {
		return p.writeJSON(o)
	}
	rows := make([][]string, 0, len(o.Participants))
	for _, x := range o.Participants {
		row := []string{x.Name, x.State, x.Address, x.Kind, strconv.FormatUint(uint64(x.Load), 10), "-", "-", "-", "could not be asked"}
		if k := x.Check; k != nil {
			copy(row[5:], []string{strconv.FormatUint(k.InDoubt, 10), or(k.Oldest), strconv.FormatUint(k.Locks, 10), k.findingWords()})
		}
		rows = append(rows, row)
	}
	out := p.sheet()
	out.table([]string{"NAME", "STATE", "ADDRESS", "KIND", "LOAD", "IN DOUBT", "OLDEST", "LOCKS", "FINDINGS"}, rows)
	return out.done()
}

func (k *checkObject) findingWords() string {
	words := make([]string, 0, len(k.Findings))
	for _, f := range k.Findings {
		if !f.Waived {
			words = append(words, fmt.Sprintf("%s: %s", f.Severity, f.Text))
		}
	}
	return strings.Join(words, "; ")
}

// participantsOf joins the reply's lists, which are of equal length by contract; what a peer left out stays empty.
func participantsOf(reply *txcpb.ParticipantsReply) participantsObject {
	o := participantsObject{Participants: []participantObject{}, Unreachable: listed(reply.GetUnreachable())}
	away := map[string]bool{}
	for _, name := range o.Unreachable {
		away[name] = true
	}
	for i, r := range reply.GetRegistered() {
		x := participantObject{
			Name: r.GetName(), Address: r.GetAddress(), Kind: r.GetKind(), Version: r.GetVersion(),
			Instance: hex.EncodeToString(r.GetInstance()), Incarnation: txc.FormatMark(r.GetIncarnation()), Stamp: r.GetStamp(),
		}
		if i < len(reply.GetStates()) {
			x.State = reply.GetStates()[i]
		}
		if i < len(reply.GetLoads()) {
			x.Load = reply.GetLoads()[i]
		}
		if i < len(reply.GetChecks()) && !away[x.Name] && reply.GetChecks()[i].GetKind() != "" {
			x.Check = checkOf(reply.GetChecks()[i])
		}
		if i < len(reply.GetAheadUs()) && i < len(reply.GetWithinUs()) && reply.GetWithinUs()[i] > 0 {
			x.Ahead, x.Within = microsecondsOf(reply.GetAheadUs()[i]), microsecondsOf(int64(reply.GetWithinUs()[i]))
		}
		o.Participants = append(o.Participants, x)
	}
	return o
}

func microsecondsOf(us int64) *string { return durationOf(time.Duration(us) * time.Microsecond) }

func checkOf(k *txcpb.CheckReply) *checkObject {
	o := &checkObject{
		Kind: k.GetKind(), Version: k.GetVersion(), InDoubt: k.GetInDoubt(), Locks: k.GetLocks(),
		Slots: k.GetSlots(), SlotsFree: k.GetSlotsFree(), Capabilities: listed(k.GetCapabilities()), Findings: []findingObject{},
		FileSystem: k.GetFileSystem(), Foreign: k.GetForeign(), ProtocolMin: k.GetProtocolMin(), ProtocolMax: k.GetProtocolMax(),
	}
	if k.GetSyncUs() > 0 {
		o.Sync = microsecondsOf(int64(k.GetSyncUs()))
	}
	if k.GetInDoubt() > 0 {
		o.Oldest = durationOf(time.Duration(k.GetOldestMs()) * time.Millisecond)
	}
	for _, f := range k.GetFindings() {
		o.Findings = append(o.Findings, findingObject{f.GetName(), severityOf(f), f.GetText(), f.GetWaived()})
	}
	return o
}

// severityOf is the finding's own; a word that we do not know is not taken lightly (P8).
func severityOf(f *txcpb.Finding) string {
	if s := f.GetSeverity(); s == info || s == "refuse" {
		return s
	}
	return warn
}

type removedObject struct {
	Participant string `json:"participant"`
	State       string `json:"state"`
}

func (p *program) removeParticipant(c *cli.Context) error {
	name := c.Args().First()
	if err := txc.CheckParticipant(name); err != nil {
		return err
	}
	who, why, err := deed(c)
	if err != nil {
		return err
	}
	s, err := p.connect(c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	reply, err := s.Operator.Remove(ctx, &txcpb.RemoveRequest{Name: name, Reason: why, Who: who})
	if err != nil {
		f := called(err)
		if f.Exit == console.Unknown && f.Hint == "" {
			f.Hint = "repeat it, it is done once; txc participants shows the state"
		}
		return f
	}
	o := removedObject{name, reply.GetState()}
	if p.asJSON {
		return p.writeJSON(o)
	}
	out := p.sheet()
	out.line("%s is %s", o.Participant, o.State)
	return out.done()
}
