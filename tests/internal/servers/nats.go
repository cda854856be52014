package servers

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// NATSUser is the only user of a NATS server; its password is Password.
const NATSUser = "app"

// natsTool is the server's program, of the version that go.mod names: Debian's is too old.
const natsTool = "github.com/nats-io/nats-server/v2"

// natsBuildTime bounds its build, a cold cache included.
const natsBuildTime = 8 * time.Minute

// NATSServer is one NATS server with JetStream.
type NATSServer struct{ *Server }

// NATS makes a server for a test and starts it; settings are lines of its configuration, added to those that tests need.
func NATS(t testing.TB, settings ...string) *NATSServer {
	t.Helper()
	s, err := StartNATS(settings...)
	s.keep(t, err)
	return s
}

// StartNATS is the same without a test: Close ends it. The first one builds the server.
func StartNATS(settings ...string) (*NATSServer, error) {
	program, err := natsProgram()
	if err != nil {
		return &NATSServer{}, err
	}
	s, err := start(shape{
		name: "nats",
		init: func(_ context.Context, s *Server) error { return s.write("nats.conf", natsConfiguration(s, settings)) },
		start: func(s *Server) *exec.Cmd {
			return s.command(context.Background(), program, "--config", filepath.Join(s.Dir, "nats.conf"))
		},
		ready: func(_ context.Context, s *Server) error {
			c, err := nats.Connect((&NATSServer{s}).URL())
			if err != nil {
				return err
			}
			defer c.Close()
			js, err := c.JetStream()
			if err != nil {
				return err
			}
			_, err = js.AccountInfo() // it takes connections before its streams are there
			return err
		},
	})
	return &NATSServer{s}, err
}

// natsConfiguration has the server sync before it acknowledges, which is not how it comes.
func natsConfiguration(s *Server, settings []string) string {
	all := []string{
		"listen: " + s.Address,
		fmt.Sprintf("jetstream: {store_dir: %q, sync_interval: always}", filepath.Join(s.Dir, "data")),
		fmt.Sprintf("authorization: {users: [{user: %s, password: %q}]}", NATSUser, Password),
	}
	return strings.Join(append(all, settings...), "\n") + "\n"
}

// natsProgram is the server's path in Go's cache, built on first use.
var natsProgram = sync.OnceValues(func() (string, error) {
	root, err := procs.Root()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), natsBuildTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "tool", "-n", natsTool)
	cmd.Dir = root
	var words strings.Builder
	cmd.Stderr = &words
	path, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", natsTool, err, words.String())
	}
	return strings.TrimSpace(string(path)), nil
})

// URL is the server's address, with the password.
func (s *NATSServer) URL() string {
	u := url.URL{Scheme: "nats", User: url.UserPassword(NATSUser, Password), Host: s.Address}
	return u.String()
}

// Store is the same without the password.
func (s *NATSServer) Store() string { return "nats://" + NATSUser + "@" + s.Address }
