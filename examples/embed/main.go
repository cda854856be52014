// Embed runs a coordinator and two participants inside one program: no network, no flags. Usage: embed DIR
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/wal/badgerwal"
)

func main() {
	r, err := run(context.Background(), os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(r.ID, r.Outcome, r.Reason)
}

func run(ctx context.Context, dir string) (r coordinator.Result, err error) {
	agents := map[string]*participant.Agent{}
	for _, name := range []string{"orders", "stock"} {
		store, err := kv.Open(ctx, dir+"/"+name, kv.Options{Cluster: "txc", Name: name})
		if err != nil {
			return r, err
		}
		if agents[name], err = participant.Open(ctx, store, nil, participant.Options{Name: name}); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, agents[name].Close(ctx)) }()
	}
	log, recovery, err := badgerwal.Open(dir+"/log", badgerwal.Options{Cluster: "txc", Number: 1})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, log.Close(ctx)) }()
	dial := func(p coordinator.Peer, receive func(bool, []coordinator.Message)) (coordinator.Link, error) {
		return participant.InProcess(agents[p.Name], receive), nil
	}
	c, err := coordinator.Open(ctx, log, recovery, dial, coordinator.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	for _, a := range agents {
		if _, err := c.Register(ctx, a.Peer()); err != nil {
			return r, err
		}
	}
	if err := c.Await(ctx, "orders", "stock"); err != nil {
		return r, err
	}
	return sell(ctx, c)
}
