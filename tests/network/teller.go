package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/tests/internal/campaign"
	"github.com/txc-dev/txc/tests/internal/procs"
)

// teller is a client with a connection that outlives the trouble. Connections are made in the namespace of their
// process, so it is a process of its own, which is asked over a Unix socket: those do not mind namespaces.
//
//	test ── {key, work} ──▶ socket ──▶ teller ── package client ──▶ coordinator
//	     ◀── campaign.Told ──
type teller struct{ socket string }

// order is one transaction to run.
type order struct {
	Key  string
	Work map[string][]campaign.Op
}

// tellerFlag makes the test program a teller: its argument is a socket, and a coordinator's address follows.
const tellerFlag = "teller"

// startTeller starts a teller in a place; it ends with the test.
func startTeller(t testing.TB, in procs.Place, coordinator string) teller {
	t.Helper()
	dir, err := os.MkdirTemp("", "txc-teller-") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	socket := filepath.Join(dir, "s")
	path, args := in.Command(os.Args[0], "-"+tellerFlag, socket, coordinator)
	if err := procs.NewServer(t, "teller", socket, path, args...).Start(); err != nil {
		t.Fatal(err)
	}
	return teller{socket}
}

// Run runs one transaction.
func (t teller) Run(ctx context.Context, key string, work map[string][]campaign.Op) campaign.Told {
	told, err := t.ask(ctx, order{key, work})
	if err != nil {
		return campaign.Told{Odd: "the teller is not to be asked: " + err.Error()}
	}
	return told
}

func (t teller) ask(ctx context.Context, o order) (told campaign.Told, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", t.socket)
	if err != nil {
		return told, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // ends the wait below
	defer func() { _ = conn.Close() }()                         // nothing is written to it any more
	if err := json.NewEncoder(conn).Encode(o); err != nil {
		return told, err
	}
	return told, json.NewDecoder(conn).Decode(&told)
}

// serveTeller is the teller's own program; it returns when it can serve no more.
func serveTeller(socket, coordinator string) error {
	c, err := client.Dial([]string{coordinator}, client.Options{Software: "teller"})
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return errors.Join(err, c.Close())
	}
	if err := json.NewEncoder(os.Stdout).Encode(procs.Ready{Listening: socket, PID: os.Getpid()}); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return errors.Join(err, c.Close())
		}
		go serveOrder(conn, campaign.Library{Client: c}) // ends with its connection, or the process
	}
}

// serveOrder runs one transaction, as long as it takes.
func serveOrder(conn io.ReadWriteCloser, library campaign.Library) {
	var o order
	err := json.NewDecoder(conn).Decode(&o)
	if err == nil {
		err = json.NewEncoder(conn).Encode(library.Run(context.Background(), o.Key, o.Work))
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		fmt.Fprintln(os.Stderr, "an order:", err)
	}
}
