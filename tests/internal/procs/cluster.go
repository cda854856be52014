package procs

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// Cluster is a coordinator and its participants, each a process.
type Cluster struct {
	Dir          string
	Coordinator  *Server
	Participants []*Server // in the order in which they were added

	txc  string
	demo string
	from Place // of commands
}

// NewCluster makes a coordinator and a kv participant for each name, and starts them all. serveArgs are more arguments
// of the coordinator at every start.
func NewCluster(t testing.TB, names []string, serveArgs ...string) *Cluster {
	t.Helper()
	c := DescribeCluster(t, names, serveArgs...)
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	return c
}

// DescribeCluster is NewCluster without the start.
func DescribeCluster(t testing.TB, names []string, serveArgs ...string) *Cluster {
	t.Helper()
	return PlaceCluster(t, names, func(string) Place { return Place{Address: FreeAddress(t)} }, serveArgs...)
}

// PlaceCluster is DescribeCluster with each process in a place of its own. CoordinatorName is the coordinator's.
func PlaceCluster(t testing.TB, names []string, place func(name string) Place, serveArgs ...string) *Cluster {
	t.Helper()
	c := &Cluster{Dir: t.TempDir(), txc: Binary(t, "txc"), demo: Binary(t, "participant-demo")}
	args := append([]string{"--data", c.CoordinatorData(), "--min-free", "64MiB"}, serveArgs...)
	c.Coordinator = place(CoordinatorName).server(t, CoordinatorName, c.txc, append([]string{"serve"}, args...))
	for _, name := range names {
		c.addKV(t, name, place(name))
	}
	return c
}

// AddKV adds a kv participant, which is not started.
func (c *Cluster) AddKV(t testing.TB, name string) *Server {
	t.Helper()
	return c.addKV(t, name, Place{Address: FreeAddress(t)})
}

func (c *Cluster) addKV(t testing.TB, name string, p Place) *Server {
	return c.add(t, name, p, "--store", "kv:"+c.Data(name))
}

// Add adds a participant whose store the arguments tell; it is not started.
func (c *Cluster) Add(t testing.TB, name string, args ...string) *Server {
	t.Helper()
	return c.add(t, name, Place{Address: FreeAddress(t)}, args...)
}

func (c *Cluster) add(t testing.TB, name string, p Place, args ...string) *Server {
	s := p.server(t, name, c.demo, append([]string{"--name", name, "--coordinator", c.Coordinator.Address}, args...))
	c.Participants = append(c.Participants, s)
	return s
}

// From is the same cluster, with commands that are run in another place.
func (c *Cluster) From(p Place) *Cluster {
	elsewhere := *c
	elsewhere.from = p
	return &elsewhere
}

// CoordinatorData is the directory of the coordinator's log.
func (c *Cluster) CoordinatorData() string { return filepath.Join(c.Dir, "coordinator") }

// Data is the directory of a participant's store.
func (c *Cluster) Data(name string) string { return filepath.Join(c.Dir, name) }

// Nodes are all processes, the coordinator first.
func (c *Cluster) Nodes() []*Server {
	return append([]*Server{c.Coordinator}, c.Participants...)
}

// Names are the participants'.
func (c *Cluster) Names() []string {
	names := make([]string, len(c.Participants))
	for i, p := range c.Participants {
		names[i] = p.Name
	}
	return names
}

// Participant is the one of this name.
func (c *Cluster) Participant(name string) *Server {
	i := slices.IndexFunc(c.Participants, func(s *Server) bool { return s.Name == name })
	if i < 0 {
		panic("no participant " + name)
	}
	return c.Participants[i]
}

// StartAll starts whatever does not run, all at once.
func (c *Cluster) StartAll() error {
	var wg sync.WaitGroup
	nodes := c.Nodes()
	errs := make([]error, len(nodes))
	for i, n := range nodes {
		if !n.Running() {
			wg.Go(func() { errs[i] = n.Start() })
		}
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// KillAll ends every process with SIGKILL.
func (c *Cluster) KillAll() {
	for _, n := range c.Nodes() {
		n.Kill()
	}
}

// StopAll ends every process with SIGTERM: an error unless each gives exit code 0.
func (c *Cluster) StopAll() error {
	for _, n := range c.Nodes() {
		if !n.Running() {
			continue
		}
		code, err := n.Stop()
		if err != nil {
			return err
		}
		if code != 0 {
			return fmt.Errorf("%s ended with code %d at SIGTERM\n%s", n.Name, code, n.LogEnd())
		}
	}
	return nil
}

// Txc runs a command against this cluster's coordinator with -o json.
func (c *Cluster) Txc(t testing.TB, stdin string, args ...string) Result {
	t.Helper()
	return RunContext(t.Context(), c.TxcPath(), stdin, c.Args(args...)...)
}

// TxcPath is the program to run for a command, for goroutines; its arguments are Args.
func (c *Cluster) TxcPath() string {
	path, _ := c.from.Command(c.txc)
	return path
}

// Args are a command's arguments against this cluster with -o json.
func (c *Cluster) Args(args ...string) []string {
	_, args = c.from.Command(c.txc, append(slices.Clone(args), "-o", "json", "--coordinator", c.Coordinator.Address)...)
	return args
}
