package participant

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
)

// Vocabulary of what an agent asks of a coordinator outside their link.
type (
	Peer     = protocol.Peer     // a participant, as it registers itself (C13)
	Question = protocol.Question // about one branch (P2, H4)
	Decision = protocol.Told     // the answer (C4)
	Opening  = protocol.Sender   // which opening of which coordinator answered
)

// Coordinator is what the agent needs of the other side, beside the link that the coordinator makes. A coordinator of
// the same process satisfies it as it is.
type Coordinator interface {
	// Register makes this participant known, durably before it returns; repeatable. The coordinator then makes its link.
	Register(ctx context.Context, p Peer) (Opening, error)
	// Inquire asks for a decision; it changes nothing. Any error means that there was no answer.
	Inquire(ctx context.Context, q Question) (Decision, error)
}

// Options are an agent's; the zero value of each but Name means its default.
type Options struct {
	Cluster      string           // default "txc"
	Name         string           // this participant's: required
	Advertise    string           // where coordinators reach it; empty: in this process
	Software     string           // told in hellos; default "txc"
	Workers      int              // calls of a blocking Resource at once: bounds the store's connections too; default 64, at least 4
	InquireEvery time.Duration    // the first pause before a question, then doubling up to 5 s; default 500 ms
	Waive        []string         // names of findings that do not refuse the start
	Logger       *slog.Logger     // default slog.Default()
	Gate         func(Step) error // sees every action and completion: tracing, failpoints
}

// Defaults and bounds.
const (
	DefaultWorkers = 64
	MinWorkers     = 4 // below, a Commit may have to wait for a Prepare that waits for its locks
	DefaultInquire = 500 * time.Millisecond
)

func (o Options) withDefaults() (Options, error) {
	if o.Cluster == "" {
		o.Cluster = "txc"
	}
	if o.Software == "" {
		o.Software = "txc"
	}
	if o.Workers == 0 {
		o.Workers = DefaultWorkers
	}
	if o.InquireEvery == 0 {
		o.InquireEvery = DefaultInquire
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if err := txc.CheckCluster(o.Cluster); err != nil {
		return o, err
	}
	if err := txc.CheckParticipant(o.Name); err != nil {
		return o, err
	}
	switch {
	case o.Workers < MinWorkers:
		return o, fmt.Errorf("%w: %d workers: at least %d", txc.ErrInvalid, o.Workers, MinWorkers)
	case o.InquireEvery < 0 || o.InquireEvery > askMax:
		return o, fmt.Errorf("%w: inquire every %s: more than 0, at most %s", txc.ErrInvalid, o.InquireEvery, askMax)
	}
	return o, nil
}

// waive marks the findings that the operator has waived, and returns the first that still refuses the start.
func (o Options) waive(r *Report) (refuses *Finding) {
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Waived = slices.Contains(o.Waive, f.Name)
		if f.Severity == "refuse" && !f.Waived && refuses == nil {
			refuses = f
		}
	}
	return refuses
}
