package kinds

import (
	"context"
	"testing"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// Kind is a kind of participant.
type Kind struct {
	Name  string
	Store participant.Resource // of its type, nil
	// Lockless says that its branches wait for nobody: nothing that waits can be cancelled.
	Lockless bool
	// Serve starts what participants of this kind need, until the test ends.
	Serve func(t testing.TB) House
}

// House is a server, and makes participants that have their stores there.
type House interface {
	// Home adds a participant to a cluster, with a store of its own; it is not started.
	Home(t testing.TB, c *procs.Cluster, name string) Home
	// Server is what can be killed; nil: the store is the participant's own.
	Server() *servers.Server
}

// Home is one participant's store.
type Home interface {
	// Write is campaign.Speech's: operations as they stand in a transaction file.
	Write(ops []campaign.Op) (section string, content any)
	// Read reads the store, by its own client, of a participant that does not run. The server does.
	Read(ctx context.Context) (procs.Dump, error)
}

// All are all kinds. The first is the key-value store.
var All = []Kind{kv, postgres, mysql, redis, nats, rabbitmq}

// Named is the kind of this name.
func Named(name string) Kind {
	for _, k := range All {
		if k.Name == name {
			return k
		}
	}
	panic("no kind " + name)
}
