package bench

import (
	"context"
	"errors"
	"path/filepath"
	"time"
)

// Settling is a restart on a long history with much in doubt, in this process, whose participants answer at once.
type Settling struct {
	Finished   int     `json:"finished"`
	Unfinished int     `json:"unfinished"`
	Serving    float64 `json:"serving_ms"` // from opening the log until both participants are heard
	Settled    float64 `json:"settled_ms"` // from then until nothing is in doubt
}

func settling(ctx context.Context, o *Options, finished, unfinished int) (r Settling, err error) {
	dir := filepath.Join(o.Dir, "settling")
	if err := prefill(ctx, dir, finished, unfinished); err != nil {
		return r, err
	}
	began := time.Now()
	s, err := embed(ctx, dir, embedding{participants: 2})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	serving := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		status, err := s.c.Status(ctx)
		if err != nil {
			return r, err
		}
		if status.InDoubt == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, context.Cause(ctx)
		}
	}
	r = Settling{finished, unfinished, milliseconds(serving.Sub(began)), milliseconds(time.Since(serving))}
	o.say("scale: %d finished, %d in doubt: serving after %.0f ms, all settled after %.0f ms more", finished, unfinished, r.Serving, r.Settled)
	return r, nil
}
