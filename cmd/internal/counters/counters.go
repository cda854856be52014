package counters

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"syscall"

	"github.com/urfave/cli/v2"
)

// Counters is what a process has done since its start.
type Counters struct {
	CPU      uint64 `json:"cpu_us"`      // user and system time, in microseconds
	Peak     uint64 `json:"peak_bytes"`  // of resident memory
	Heap     uint64 `json:"heap_bytes"`  // live and not yet collected
	Objects  uint64 `json:"allocations"` // allocated on the heap
	Bytes    uint64 `json:"allocated_bytes"`
	Syncs    uint64 `json:"syncs"`     // forced writes of log or store
	Written  uint64 `json:"log_bytes"` // in them
	Frames   uint64 `json:"frames"`    // sent on streams
	Messages uint64 `json:"messages"`  // in them
}

// Options of a server that is measured. The zero value is one that is not.
type Options struct {
	Answer  bool   // SIGUSR1
	Profile string // file for a CPU profile of the whole life; "": none
	Allocs  string // file for a profile of all allocations; "": none
}

// Flags are hidden.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "counters", Hidden: true, Usage: "answer SIGUSR1 with a line of counters on stdout"},
		&cli.StringFlag{Name: "cpu-profile", Hidden: true, Usage: "write a CPU profile to this `FILE` at the end"},
		&cli.StringFlag{Name: "alloc-profile", Hidden: true, Usage: "write a profile of all allocations to this `FILE` at the end"},
	}
}

// OptionsOf reads the flags.
func OptionsOf(c *cli.Context) Options {
	return Options{Answer: c.Bool("counters"), Profile: c.String("cpu-profile"), Allocs: c.String("alloc-profile")}
}

// Own reads what the process itself can tell.
func Own() (Counters, error) {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return Counters{}, fmt.Errorf("read the process's counters: %w", err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Counters{
		CPU:  uint64(use.Utime.Nano()+use.Stime.Nano()) / 1000,
		Peak: uint64(use.Maxrss) << 10,
		Heap: m.HeapAlloc, Objects: m.Mallocs, Bytes: m.TotalAlloc,
	}, nil
}

// Start begins what the options say; more adds what the server itself counts. stop must be called.
func Start(o Options, w io.Writer, more func(*Counters)) (stop func() error, err error) {
	end := func() error { return nil }
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			return nil, fmt.Errorf("profile: %w", err)
		}
		end = func() error { pprof.StopCPUProfile(); return f.Close() }
	}
	if o.Allocs != "" {
		cpu := end
		end = func() error { return errors.Join(cpu(), allocs(o.Allocs)) }
	}
	if !o.Answer {
		return end, nil
	}
	quiet := answer(w, more)
	return func() error { quiet(); return end() }, nil
}

func allocs(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

// answer answers every SIGUSR1 until stop is called.
func answer(w io.Writer, more func(*Counters)) (stop func()) {
	asked, quit, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		defer close(ended)
		for {
			select {
			case <-asked:
				_ = tell(w, more) // a parent that has gone away hears nothing
			case <-quit:
				return
			}
		}
	}()
	return func() {
		signal.Stop(asked)
		close(quit)
		<-ended
	}
}

func tell(w io.Writer, more func(*Counters)) error {
	c, err := Own()
	if err != nil {
		return err
	}
	more(&c)
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
