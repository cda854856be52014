package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/cmd/internal/console"
)

func (p *program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "ask the coordinator and every participant how they are, and tell what to do",
		Description: "Changes nothing. Exit code 0: all is well; 7: there are findings (those of severity info, and waived ones, do not count);\n" +
			"5: the coordinator does not answer.",
		Flags:  []cli.Flag{&cli.DurationFlag{Name: "stale", Value: defaultStale, Usage: "what is in doubt or incomplete for this `LONG` is a finding"}},
		Action: p.do(0, 0, p.doctor),
	}
}

// defaultStale is as long as the coordinator may take to end an orphan, once it has heard of it.
const defaultStale = 30 * time.Second

type doctorObject struct {
	Healthy      bool                `json:"healthy"`
	Coordinator  statusObject        `json:"coordinator"`
	Participants []participantObject `json:"participants"`
	Findings     []diagnosisObject   `json:"findings"`
}

// diagnosisObject is one thing that is not as it should be, or worth knowing.
type diagnosisObject struct {
	Name        string `json:"name"`
	Severity    string `json:"severity"`    // info, warn, refuse
	Participant string `json:"participant"` // "": the coordinator
	ID          string `json:"id"`          // "": about no one transaction
	Text        string `json:"text"`
	Todo        string `json:"todo"`
	Waived      bool   `json:"waived"`
}

// counts reports whether somebody has to do something about it.
func (d diagnosisObject) counts() bool { return d.Severity != info && !d.Waived }

// Severities.
const (
	info = "info"
	warn = "warn"
)

func (p *program) doctor(c *cli.Context) error {
	stale := c.Duration("stale")
	if stale <= 0 {
		return console.BadInput("--stale %v", stale).With("use more than zero, such as 30s")
	}
	s, err := p.connect(c)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, cancel := s.bounded(c.Context)
	defer cancel()
	status, err := s.Operator.Status(ctx, &txcpb.StatusRequest{})
	if err != nil {
		return unanswered(err)
	}
	members, err := s.Operator.Participants(ctx, &txcpb.ParticipantsRequest{})
	if err != nil {
		return unanswered(err)
	}
	// All that runs, so that what a participant holds in doubt beside that is told apart.
	running, err := s.Operator.List(ctx, &txcpb.ListRequest{States: []string{"working", "voting", "deciding", "committing", "ending", "in-doubt"}, Limit: maxList})
	if err != nil {
		return unanswered(err)
	}
	v := visit{stale: stale, status: status, members: members, running: running}
	o := doctorObject{Coordinator: statusOf(status), Participants: participantsOf(members).Participants, Findings: v.diagnose()}
	o.Healthy = healthy(o.Findings)
	if !o.Healthy {
		p.exit = console.Findings
	}
	if p.asJSON {
		return p.writeJSON(o)
	}
	return p.writeDoctor(o)
}

func healthy(all []diagnosisObject) bool {
	for _, d := range all {
		if d.counts() {
			return false
		}
	}
	return true
}

func (p *program) writeDoctor(o doctorObject) error {
	s, k := p.sheet(), o.Coordinator
	s.line("coordinator %d of cluster %s is %s: txc %s, epoch %d, streams %s", k.Number, harmless(k.Cluster), harmless(k.State), harmless(k.Version), k.Epoch, versions(k.ProtocolMin, k.ProtocolMax))
	if k.Log != nil {
		s.line("  log %s on %s, a synced write took %s, %s free", harmless(k.Log.Version), harmless(k.Log.FileSystem), or(k.Log.Sync), bytesWords(k.DiskFree))
	}
	if len(o.Participants) > 0 {
		rows := make([][]string, 0, len(o.Participants))
		for _, x := range o.Participants {
			rows = append(rows, x.healthRow())
		}
		s.table([]string{"NAME", "STATE", "KIND", "STORE", "SOFTWARE", "STREAMS", "CLOCK", "SYNC", "SLOTS FREE", "IN DOUBT", "OLDEST", "FOREIGN"}, rows)
	}
	s.diagnoses(o.Findings)
	if o.Healthy {
		s.line("all is well")
	}
	return s.done()
}

func (x participantObject) healthRow() []string {
	row := []string{x.Name, x.State, x.Kind, "-", x.Version, "-", "-", "-", "-", "-", "-", "-"}
	k := x.Check
	if k == nil {
		return row
	}
	row[3], row[5], row[7] = k.Version, versions(k.ProtocolMin, k.ProtocolMax), or(k.Sync)
	if x.Ahead != nil {
		row[6] = *x.Ahead + " ± " + or(x.Within)
	}
	if k.Slots > 0 {
		row[8] = fmt.Sprintf("%d of %d", k.SlotsFree, k.Slots)
	}
	row[9], row[10], row[11] = strconv.FormatUint(k.InDoubt, 10), or(k.Oldest), strconv.FormatUint(k.Foreign, 10)
	return row
}

func versions(from, to uint32) string {
	switch {
	case to == 0:
		return "-"
	case from == to:
		return strconv.FormatUint(uint64(to), 10)
	}
	return fmt.Sprintf("%d to %d", from, to)
}

// diagnoses are lines for people: what is so, and below it what to do.
func (s *sheet) diagnoses(all []diagnosisObject) {
	for _, d := range all {
		about := strings.TrimSpace(d.Participant + " " + d.ID)
		if about == "" {
			about = "coordinator"
		}
		severity := d.Severity
		if d.Waived {
			severity += ", waived"
		}
		s.line("%s: %s: %s (%s)", harmless(severity), harmless(about), harmless(d.Text), harmless(d.Name))
		if d.Todo != "" {
			s.line("  -> %s", harmless(d.Todo))
		}
	}
}
