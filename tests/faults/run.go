package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/maphash"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// campaign is what was asked for.
type campaign struct {
	layers []layer
	size   suite.Size
	during time.Duration // rounds until then; 0: one round
	seed   uint64        // of the first round; each further one has the next
	out    string
	test   tester
	stdout io.Writer
}

// run is the whole program; 0: nothing was found and nothing left out, 1: something was, 2: usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "faults:", err)
		}
		return 2
	}
	c.stdout, c.test = stdout, goTest
	s, err := c.run(ctx)
	if err == nil {
		err = s.write(c.out, stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "faults:", err)
		return 1
	case !s.Passed:
		return 1
	default:
		return 0
	}
}

func parse(args []string, stderr io.Writer) (*campaign, error) {
	c := &campaign{size: suite.CI}
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Var(&c.size, "size", "how much of each layer: small, ci, all")
	flags.DurationVar(&c.during, "for", 0, "repeat with new seeds until this time is over")
	flags.Uint64Var(&c.seed, "seed", 0, "seed of the first round; 0: drawn and printed")
	flags.StringVar(&c.out, "out", filepath.Join(".cache", "faults"), "where logs, reports and the summary go")
	only := flags.String("only", "", "these layers, with commas between")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q: there is nothing but flags", flags.Arg(0))
	}
	for c.seed == 0 {
		c.seed = maphash.Comparable(maphash.MakeSeed(), time.Now().UnixNano()) >> 32
	}
	c.layers = layers
	if *only != "" {
		c.layers = nil
		for _, name := range strings.Split(*only, ",") {
			i := slices.IndexFunc(layers, func(l layer) bool { return l.name == name })
			if i < 0 {
				return nil, fmt.Errorf("no layer %q", name)
			}
			c.layers = append(c.layers, layers[i])
		}
	}
	return c, nil
}

// run runs the layers, in rounds where a time was given. A layer that is cut off by the end of ctx has failed.
func (c *campaign) run(ctx context.Context) (*summary, error) {
	s := &summary{Began: time.Now(), Size: c.size.String(), Seed: c.seed, Passed: true}
	for {
		dir, err := roundDir(c.out, s.Rounds)
		if err != nil {
			return nil, err
		}
		seed := c.seed + uint64(s.Rounds)*seedsPerRound
		s.Rounds++
		if err := c.round(ctx, s, dir, seed); err != nil {
			return nil, err
		}
		s.Took = time.Since(s.Began)
		if s.Took >= c.during {
			return s, nil
		}
	}
}

// round runs each layer once: the calm ones beside the others, which take turns.
func (c *campaign) round(ctx context.Context, s *summary, dir string, seed uint64) error {
	var mu sync.Mutex // of s and stdout
	one := func(i int, l layer) {
		mu.Lock()
		fmt.Fprintf(c.stdout, "[%d/%d] %-12s %s\n", i+1, len(c.layers), l.name, l.says)
		mu.Unlock()
		r := c.layer(ctx, l, dir, seed)
		mu.Lock()
		defer mu.Unlock()
		s.add(l, r)
		fmt.Fprintf(c.stdout, "        %s: %s\n", l.name, r.line())
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	for i, l := range c.layers {
		if l.calm {
			beside.Go(func() { one(i, l) })
		}
	}
	for i, l := range c.layers {
		if l.calm {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cut off in round %d before %s", s.Rounds, l.name)
		}
		one(i, l)
		if c.during > 0 && time.Since(s.Began) > c.during {
			break
		}
	}
	return nil
}

// seedsPerRound keeps the ranges of seeds that rounds walk through apart: more than any size of a layer takes.
const seedsPerRound = 10_000_000
