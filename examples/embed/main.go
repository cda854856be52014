// Embed runs a coordinator and two participants inside one program: no network, no flags. Usage: embed DIR
package main

import (
	"context"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/wal/badgerwal"
)

func run(ctx context.Context, dir string) (r coordinator.Result, failed error) {
	agents := map[string]*participant.Agent{}
	for _, name := range []string{"orders", "stock"} {
		store, err := kv.Open(ctx, dir+"/"+name, kv.Options{Cluster: "txc", Name: name})
		fatal(err)
		agents[name], err = participant.Open(ctx, store, nil, participant.Options{Name: name})
		fatal(err)
		defer closed(ctx, agents[name], &failed)
	}
	log, recovery, err := badgerwal.Open(dir+"/log", badgerwal.Options{Cluster: "txc", Number: 1})
	fatal(err)
	defer closed(ctx, log, &failed)
	dial := func(p coordinator.Peer, receive func(bool, []coordinator.Message)) (coordinator.Link, error) {
		return participant.InProcess(agents[p.Name], receive), nil
	}
	c, err := coordinator.Open(ctx, log, recovery, dial, coordinator.Options{})
	fatal(err)
	defer closed(ctx, c, &failed)
	for _, a := range agents {
		_, err := c.Register(ctx, a.Peer())
		fatal(err)
	}
	fatal(c.Await(ctx, "orders", "stock"))
	return sell(ctx, c)
}
