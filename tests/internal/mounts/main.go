package mounts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
)

// inside says that this process has a mount namespace of its own.
const inside = "TXC_TESTS_OWN_MOUNTS"

// Main takes away what earlier runs left, runs a package's tests, and takes away what they leave: the exit code.
//
// As root it does so in a mount namespace of its own, in this program run again: nobody else's processes copy its mounts
// and keep them alive, and none outlives it, however it ends.
func Main(m *testing.M) int {
	if os.Getuid() == 0 && os.Getenv(inside) == "" {
		return apart()
	}
	if err := sweep(gone); err != nil {
		fmt.Fprintln(os.Stderr, "take away what an earlier run left:", err)
		return 1
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with the program
		<-interrupted
		if err := sweep(own); err != nil {
			fmt.Fprintln(os.Stderr, "take away what was interrupted:", err)
		}
		os.Exit(130)
	}()
	code := m.Run()
	if err := sweep(own); err != nil {
		fmt.Fprintln(os.Stderr, "take away what is left:", err)
		code = max(code, 1)
	}
	return code
}

// apart runs this program again, in its own mount namespace, and gives its exit code.
func apart() int {
	runtime.LockOSThread() // the child dies with the thread that started it
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	signal.Ignore(os.Interrupt) // it goes to both, and the child cleans up
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "run in a mount namespace of its own:", err)
		return 1
	}
	return 0
}
