package failpoint

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// signalSelf ends or stops this process before its caller takes another step: the signal goes to the caller's own thread.
// One that goes to the process may be taken by any thread, while the caller's runs on for a moment.
func signalSelf(sig syscall.Signal) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Tgkill(os.Getpid(), syscall.Gettid(), sig); err != nil {
		return fmt.Errorf("signal %v to itself: %w", sig, err)
	}
	return nil
}
