package network

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"github.com/txc-dev/txc/tests/internal/suite"
)

// Check says what this machine lacks for a lab; the error wraps suite.ErrMissing. It tries everything once, in a namespace
// that it makes for that: a kernel may have been built without, and root may be less than root in a container.
var Check = sync.OnceValue(func() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("%w: network namespaces need root", suite.ErrMissing)
	}
	for _, tool := range []string{"ip", "tc", "iptables-restore", "iptables-save"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %s: `make deps` installs it", suite.ErrMissing, tool)
		}
	}
	l := &Lab{router: fmt.Sprintf("%s%d-0-router", prefix, os.Getpid())}
	if err := errors.Join(l.try(), l.remove()); err != nil {
		return fmt.Errorf("%w: %w", suite.ErrMissing, err)
	}
	return nil
})

// try does what any trouble does, where it concerns nobody.
func (l *Lab) try() error {
	if err := l.make(); err != nil {
		return err
	}
	if _, err := l.forward(rule{what: drop}, rule{what: loseSome}, rule{what: resetSome}, rule{what: toQueue}); err != nil {
		return err
	}
	return lineEnd{namespace: l.router, device: "lo"}.limit()
}
