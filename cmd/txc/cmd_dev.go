package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/cmd/internal/coordinatord"
	"github.com/txc-dev/txc/cmd/internal/participantd"
)

// devParticipants play in `dev` and in `demo`.
var devParticipants = []string{"bank-a", "bank-b", "ledger"}

func (p *program) devCommand() *cli.Command {
	return &cli.Command{
		Name:        "dev",
		Usage:       "a coordinator and three participants in one process, to play with: " + strings.Join(devParticipants, ", "),
		Description: "The first line on stdout says where they listen. Without --data everything is forgotten at the end.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", EnvVars: []string{"TXC_DATA"}, Usage: "keep everything in this `DIR`"},
			&cli.StringFlag{Name: "listen", Value: coordinatord.DefaultListen, EnvVars: []string{"TXC_LISTEN"}, Usage: "`ADDR` of the coordinator; port 0: any free one"},
			&cli.StringFlag{Name: "log-level", Value: "error", EnvVars: []string{"TXC_LOG_LEVEL"}, Usage: "`LEVEL`: debug, info, warn, error"},
			&cli.StringFlag{Name: "log-format", Value: "text", EnvVars: []string{"TXC_LOG_FORMAT"}, Usage: "`FORMAT`: text, json"},
		},
		Action: p.do(0, 0, p.dev),
	}
}

// playground is what `dev` runs.
type playground struct {
	coordinator  *coordinatord.Coordinator
	participants []*participantd.Participant
}

func (p *program) dev(c *cli.Context) error {
	dir := c.String("data")
	if dir == "" {
		temporary, err := os.MkdirTemp("", "txc-dev-")
		if err != nil {
			return fmt.Errorf("make a directory to play in: %w", err)
		}
		defer os.RemoveAll(temporary)
		dir = temporary
	}
	g := &playground{}
	err := p.play(c, g, dir)
	end, cancel := context.WithTimeout(context.WithoutCancel(c.Context), coordinatord.DefaultDrain)
	defer cancel()
	return errors.Join(err, g.close(end))
}

func (p *program) play(c *cli.Context, g *playground, dir string) error {
	ready, err := g.start(c, p, dir)
	if err != nil {
		return err
	}
	if err := ready.Write(p.stdout); err != nil {
		return err
	}
	at := ""
	if ready.Listening != defaultAddress {
		at = " -c " + ready.Listening
	}
	p.words("txc: in another terminal: %s%s participants; %s run --help shows a transaction to try; Ctrl-C ends this one", self(), at, self())
	return g.wait(c.Context)
}

func (g *playground) start(c *cli.Context, p *program, dir string) (console.Ready, error) {
	level, format := c.String("log-level"), c.String("log-format")
	o := coordinatord.Defaults(filepath.Join(dir, "coordinator"))
	o.Listen, o.LogLevel, o.LogFormat, o.Log, o.Software = c.String("listen"), level, format, p.stderr, software()
	var err error
	if g.coordinator, err = coordinatord.Start(c.Context, o); err != nil {
		return console.Ready{}, err
	}
	ready := g.coordinator.Ready()
	ready.Participants = map[string]string{}
	for _, name := range devParticipants {
		x, err := participantd.Start(c.Context, participantd.Options{
			Name: name, Cluster: o.Cluster, Listen: "127.0.0.1:0", Coordinators: []string{ready.Listening}, Dir: filepath.Join(dir, name),
			Ballast: -1, MinFree: o.MinFree, Drain: participantd.DefaultDrain, Software: software(), LogLevel: level, LogFormat: format, Log: p.stderr,
		})
		if err != nil {
			return ready, err
		}
		g.participants = append(g.participants, x)
		ready.Participants[name] = x.Address()
	}
	if err := g.coordinator.Await(c.Context, devParticipants...); err != nil {
		return ready, err
	}
	return ready, nil
}

// wait waits until ctx ends, or one of them stops itself.
func (g *playground) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	waits := []func(context.Context) error{g.coordinator.Wait}
	for _, x := range g.participants {
		waits = append(waits, x.Wait)
	}
	ended := make(chan error, len(waits))
	for _, wait := range waits {
		go func() { ended <- wait(ctx) }()
	}
	var err error
	for range waits {
		err = errors.Join(err, <-ended)
		cancel()
	}
	return err
}

// close drains the coordinator while the participants are still there.
func (g *playground) close(ctx context.Context) error {
	if g.coordinator == nil {
		return nil
	}
	err := g.coordinator.Drain(ctx)
	err = errors.Join(err, g.coordinator.Close(ctx))
	for _, x := range g.participants {
		err = errors.Join(err, x.Close(ctx))
	}
	return err
}

// self is how this program was called, for the commands that it suggests.
func self() string {
	path, err := os.Executable()
	if err != nil || strings.Contains(path, "go-build") {
		return "go run ./cmd/txc"
	}
	return os.Args[0]
}
