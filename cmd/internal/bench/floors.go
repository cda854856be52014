package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
)

// Floors are what this machine can do without the product. Rates are per second, times in milliseconds.
type Floors struct {
	Unary     float64   `json:"unary_per_s"`   // bare unary calls, the best of the measured numbers of clients
	UnaryAt   []UnaryAt `json:"unary"`         // by clients
	UnaryRTT  float64   `json:"unary_rtt_ms"`  // median at one client
	Stream    float64   `json:"stream_per_s"`  // echoed small messages, batched on one stream, 1,024 in flight
	StreamRTT float64   `json:"stream_rtt_ms"` // median with one in flight
	Fdatasync float64   `json:"fdatasync_ms"`  // median of 4 KiB overwritten and synced
	Log       float64   `json:"log_per_s"`     // records of 150 bytes through bare Badger, grouped, 512 in flight
	LogAppend float64   `json:"log_append_ms"` // median with one in flight
	Latency   float64   `json:"latency_ms"`    // two round trips, a participant's sync, a log append: the least for a transaction
}

// UnaryAt is the rate of bare unary calls at a number of clients.
type UnaryAt struct {
	Clients int     `json:"clients"`
	Rate    float64 `json:"per_s"`
}

const streamWindow = 1024 // messages in flight

// floors measures all but the unary rates, which are measured beside the rows.
func (b *Bench) floors(ctx context.Context) error {
	b.o.say("floors: round trips, stream, disk, bare Badger")
	one, err := closed(ctx, 1, b.short(), b.call(), nothing)
	if err != nil {
		return fmt.Errorf("measure unary calls: %w", err)
	}
	f := &b.report.Floors
	f.UnaryRTT = one.at(0.5)
	if f.StreamRTT, _, err = b.streamed(ctx, 1); err != nil {
		return fmt.Errorf("measure a stream: %w", err)
	}
	if _, f.Stream, err = b.streamed(ctx, streamWindow); err != nil {
		return fmt.Errorf("measure a stream: %w", err)
	}
	if f.Fdatasync, err = b.fdatasync(); err != nil {
		return fmt.Errorf("measure fdatasync: %w", err)
	}
	if f.LogAppend, f.Log, err = b.bareLog(ctx); err != nil {
		return fmt.Errorf("measure bare Badger: %w", err)
	}
	f.Latency = 2*f.StreamRTT + 2*f.LogAppend
	return nil
}

// short is the time for one floor.
func (b *Bench) short() time.Duration { return max(b.o.Duration/2, 100*time.Millisecond) }

func nothing() error { return nil }

// call is one bare unary call.
func (b *Bench) call() deed {
	return func(ctx context.Context, _ int) error {
		in, out := &txcpb.Value{V: &txcpb.Value_Binary{Binary: payload}}, &txcpb.Value{}
		return b.echo.Invoke(ctx, echoCall, in, out)
	}
}

// streamed echoes messages on one stream with a window of them in flight: the median time of a frame's way, and messages
// per second. Whatever has come back is sent again in one frame.
func (b *Bench) streamed(ctx context.Context, window int) (rtt, rate float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.short()+10*time.Second)
	defer cancel()
	stream, err := b.echo.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, echoStream, grpc.ForceCodecV2(rpc.Codec{}))
	if err != nil {
		return 0, 0, err
	}
	frame := []byte{}
	for range window {
		frame = appendMessage(frame, payload)
	}
	const frames = 4 // in flight: so that both ends have something to do
	parts := min(frames, window)
	for range parts {
		if err := stream.SendMsg(&rpc.Frame{Bytes: frame[:len(frame)/window*(window/parts)]}); err != nil {
			return 0, 0, err
		}
	}
	var times []time.Duration
	n := 0
	began := time.Now()
	for last := began; last.Sub(began) < b.short(); {
		var in rpc.Frame
		if err := stream.RecvMsg(&in); err != nil {
			return 0, 0, err
		}
		count, err := messages(in.Bytes, func([]byte) {})
		if err != nil {
			return 0, 0, err
		}
		n += count
		if err := stream.SendMsg(&in); err != nil {
			return 0, 0, err
		}
		now := time.Now()
		times = append(times, now.Sub(last))
		last = now
	}
	slices.Sort(times)
	return milliseconds(times[len(times)/2]), float64(n) / time.Since(began).Seconds(), nil
}

// fdatasync overwrites a block of a file that has all its blocks already, and syncs it.
func (b *Bench) fdatasync() (median float64, err error) {
	path := filepath.Join(b.o.Dir, "fdatasync")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	block := make([]byte, 4096)
	if _, err := f.Write(make([]byte, 1<<20)); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	var times []time.Duration
	for began := time.Now(); time.Since(began) < b.short(); {
		at := time.Now()
		if _, err := f.WriteAt(block, int64(len(times)%256)*4096); err != nil {
			return 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		times = append(times, time.Since(at))
	}
	slices.Sort(times)
	return milliseconds(times[len(times)/2]), nil
}

// bareLog appends records to bare Badger as one writes a log with it: all that wait in one transaction, one packed entry,
// synced. The median time of one alone, and the rate with many.
func (b *Bench) bareLog(ctx context.Context) (alone, rate float64, err error) {
	l, err := openBare(filepath.Join(b.o.Dir, "bare"))
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	do := func(context.Context, int) error { return l.append() }
	one, err := closed(ctx, 1, b.short(), do, nothing)
	if err != nil {
		return 0, 0, err
	}
	many, err := closed(ctx, barePeers, b.short(), do, nothing)
	if err != nil {
		return 0, 0, err
	}
	return one.at(0.5), many.rate(), nil
}

const barePeers = 512
