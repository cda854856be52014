//go:build !linux

package failpoint

import (
	"fmt"
	"os"
	"syscall"
)

// signalSelf ends or stops this process. Its caller may run on for a moment.
func signalSelf(sig syscall.Signal) error {
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		return fmt.Errorf("signal %v to itself: %w", sig, err)
	}
	if sig == syscall.SIGKILL {
		select {} // it is on its way: do nothing more
	}
	return nil
}
