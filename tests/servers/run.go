package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/txc-dev/txc/tests/internal/servers"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// run is the whole program: it ends when ctx does. 0: all is ended again; 1: nothing could be started, or something not
// removed; 2: usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("servers", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "kinds, separated by commas: "+names()+" (default: all)")
	coordinator := flags.String("coordinator", "127.0.0.1:7400", "where participants look for one")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	kinds, err := chosen(*only)
	if err != nil || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "servers: use -only with some of", names())
		return 2
	}
	running, err := startAll(ctx, kinds)
	if err != nil {
		fmt.Fprintln(stderr, "servers:", err)
	}
	code := 1
	if len(running) > 0 {
		code = 0
		describe(stdout, running, *coordinator)
		<-ctx.Done()
	}
	if err := endAll(running); err != nil {
		fmt.Fprintln(stderr, "servers:", err)
		return 1
	}
	return code
}

func names() string {
	var all []string
	for _, k := range servers.Kinds {
		all = append(all, k.Name)
	}
	return strings.Join(all, ", ")
}

func chosen(only string) ([]servers.Kind, error) {
	if only == "" {
		return servers.Kinds, nil
	}
	var all []servers.Kind
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(servers.Kinds, func(k servers.Kind) bool { return k.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no kind %q", name)
		}
		all = append(all, servers.Kinds[i])
	}
	return all, nil
}

// player is a kind whose server runs.
type player struct {
	name string
	servers.Play
}

// startAll starts one after the other, so that what goes wrong is told of one. What is not installed, or does not start, is
// left out, and is the error.
func startAll(ctx context.Context, kinds []servers.Kind) (running []player, err error) {
	for _, k := range kinds {
		if ctx.Err() != nil {
			break
		}
		p, failed := k.Start()
		switch {
		case failed == nil:
			running = append(running, player{k.Name, p})
		case errors.Is(failed, suite.ErrMissing):
			err = errors.Join(err, fmt.Errorf("%s is left out: %w", k.Name, failed))
		default:
			err = errors.Join(err, fmt.Errorf("start %s: %w", k.Name, failed))
		}
	}
	return running, err
}

func describe(w io.Writer, running []player, coordinator string) {
	fmt.Fprintf(w, "a coordinator:\n  bin/txc serve --data /tmp/txc-log --listen %s\n", coordinator)
	for _, p := range running {
		fmt.Fprintf(w, "\n%s at %s, password %q, in %s\n", p.name, p.Address, servers.Password, p.Dir)
		fmt.Fprintf(w, "  %s='%s' bin/participant-demo --name %s --store '%s' --coordinator %s", p.Variable, servers.Password, p.name, p.Store, coordinator)
		for _, f := range p.Flags {
			fmt.Fprintf(w, " %s", f)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\n%d servers run; Ctrl-C ends them and removes what they wrote\n", len(running))
}

// endAll ends all of them at once.
func endAll(running []player) error {
	failed := make([]error, len(running))
	var all sync.WaitGroup
	for i, p := range running {
		all.Go(func() {
			p.Stop()
			failed[i] = p.Close()
		})
	}
	all.Wait()
	return errors.Join(failed...)
}
