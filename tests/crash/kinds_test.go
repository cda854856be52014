package crash_test

import (
	"testing"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// kind is a kind of participant under test: victim is of it; the other participant is a key-value store.
type kind struct {
	name  string
	store participant.Resource // of its type, nil: what such a store cannot do, no process of it can pass
	// describe adds a participant of this kind to a cluster; it is not started.
	describe func(c *procs.Cluster, t testing.TB, name string) *procs.Server
	// read reads the store of one that does not run.
	read func(c *procs.Cluster, t testing.TB, name string) procs.Dump
}

var kinds = []kind{
	{name: "kv", store: (*kv.Store)(nil), describe: (*procs.Cluster).AddKV, read: (*procs.Cluster).ReadDump},
}
