package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/txc-dev/txc/tests/internal/procs"
)

// Lab is a network of its own: hosts around a router, each a network namespace. Nothing in it reaches outside, and nothing
// outside reaches in.
type Lab struct {
	router string // namespace
	hosts  []host
}

// host is one namespace. Its only way out is a veth pair to the router.
type host struct {
	name      string
	namespace string
	address   string
	link      string // the router's end of its pair
	gateway   string // its address
}

// Names of namespaces are namespace prefix, process, number: so a later run sees whose they were.
const prefix = "txcnet-"

// commandTime bounds one command that sets something up.
const commandTime = 20 * time.Second

var (
	labs atomic.Int64 // of this process
	reap sync.Once
)

// New makes a lab with a host for each name. It ends with the test.
func New(t testing.TB, names ...string) *Lab {
	t.Helper()
	reap.Do(func() { reapDead(t) })
	id := fmt.Sprintf("%s%d-%d-", prefix, os.Getpid(), labs.Add(1))
	l := &Lab{router: id + "router"}
	for i, name := range names {
		l.hosts = append(l.hosts, host{
			name: name, namespace: id + name, link: "host" + strconv.Itoa(i),
			address: fmt.Sprintf("10.77.%d.2", i), gateway: fmt.Sprintf("10.77.%d.1", i),
		})
	}
	t.Cleanup(func() {
		if err := l.remove(); err != nil {
			t.Error(err)
		}
	})
	if err := l.make(); err != nil {
		t.Fatalf("make a network: %v", err)
	}
	return l
}

func (l *Lab) make() error {
	if _, err := run("", "ip", "netns", "add", l.router); err != nil {
		return err
	}
	if _, err := run("", "ip", "netns", "exec", l.router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"); err != nil {
		return err
	}
	router := "link set lo up\n"
	for _, h := range l.hosts {
		if _, err := run("", "ip", "netns", "add", h.namespace); err != nil {
			return err
		}
		router += fmt.Sprintf("link add %s type veth peer name wire netns %s\naddr add %s/30 dev %s\nlink set %s up\n", h.link, h.namespace, h.gateway, h.link, h.link)
	}
	if _, err := run(router, "ip", "-n", l.router, "-batch", "-"); err != nil {
		return err
	}
	for _, h := range l.hosts {
		text := fmt.Sprintf("link set lo up\naddr add %s/30 dev wire\nlink set wire up\nroute add default via %s\n", h.address, h.gateway)
		if _, err := run(text, "ip", "-n", h.namespace, "-batch", "-"); err != nil {
			return err
		}
	}
	return nil
}

// remove takes every namespace away that is there; the pairs go with them.
func (l *Lab) remove() error {
	all := []string{l.router}
	for _, h := range l.hosts {
		all = append(all, h.namespace)
	}
	var errs []error
	for _, ns := range all {
		if _, err := os.Stat(namespaceFile(ns)); errors.Is(err, os.ErrNotExist) {
			continue // it was never made
		}
		_, err := run("", "ip", "netns", "del", ns)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// inside does something in a namespace: a socket that it makes stays there. A thread enters it, and ends.
func inside(namespace string, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread must not serve anyone else
		done <- func() error {
			f, err := os.Open(namespaceFile(namespace))
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }() // it was only read
			if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter %s: %w", namespace, err)
			}
			return do()
		}()
	}()
	return <-done
}

func namespaceFile(name string) string { return "/run/netns/" + name }

// reapDead removes the namespaces of processes that are gone. What ran in them ended with those.
func reapDead(t testing.TB) {
	t.Helper()
	all, err := os.ReadDir("/run/netns")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, f := range all {
		rest, ours := strings.CutPrefix(f.Name(), prefix)
		pid, _, _ := strings.Cut(rest, "-")
		if !ours {
			continue
		}
		if _, err := os.Stat("/proc/" + pid); err == nil {
			continue
		}
		t.Logf("%s was left by an earlier run: removed", f.Name())
		if _, err := run("", "ip", "netns", "del", f.Name()); err != nil {
			t.Error(err)
		}
	}
}

// host is the one of this name.
func (l *Lab) host(name string) host {
	for _, h := range l.hosts {
		if h.name == name {
			return h
		}
	}
	panic("no host " + name)
}

// servicePort is where every server listens: hosts have one each.
const servicePort = "7400"

// Place is where a program of a host runs.
func (l *Lab) Place(name string) procs.Place {
	h := l.host(name)
	return procs.Place{
		Address: net.JoinHostPort(h.address, servicePort), Enter: []string{"ip", "netns", "exec", h.namespace},
		Args: []string{"--ballast", "0B"}, // disks are not what is tested here
	}
}

// run runs a command that sets something up, and gives what it said.
func run(stdin, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, bad bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &bad
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s%s", name, strings.Join(args, " "), err, bad.Bytes(), stdin)
	}
	return out.String(), nil
}
