package procs

import (
	"net"
	"slices"
	"testing"
)

// CoordinatorName is the name of a cluster's coordinator among its processes.
const CoordinatorName = "coordinator"

// Place is where a process runs. The zero value is here, and good for commands.
type Place struct {
	Address string   // where a server listens
	Enter   []string // the command that runs another one there; none: it runs here
	Args    []string // more arguments of a server at every start
}

// Command is the program, and its arguments, that runs a program in this place.
func (p Place) Command(path string, args ...string) (string, []string) {
	if len(p.Enter) == 0 {
		return path, args
	}
	return p.Enter[0], slices.Concat(p.Enter[1:], []string{path}, args)
}

// server describes a server in this place.
func (p Place) server(t testing.TB, name, path string, args []string) *Server {
	t.Helper()
	args = append(args, "--listen", p.Address)
	if host, _, err := net.SplitHostPort(p.Address); err == nil && !net.ParseIP(host).IsLoopback() {
		args = append(args, "--insecure")
	}
	path, args = p.Command(path, append(args, p.Args...)...)
	return NewServer(t, name, p.Address, path, args...)
}
