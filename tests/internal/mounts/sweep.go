package mounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// prefix is what everything of ours is named by; the pid of its run comes next.
const prefix = "txc-disk-"

// Main takes away what earlier runs left, runs a package's tests, and takes away what they leave: the exit code.
func Main(m *testing.M) int {
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

func own(pid int) bool { return pid == os.Getpid() }

// gone tells that no such process lives.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// owner is the pid in a name of ours.
func owner(name string) (pid int, ours bool) {
	rest, ours := strings.CutPrefix(filepath.Base(name), prefix)
	if !ours {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(number)
	return pid, err == nil
}

// sweep takes away mounts, loop devices and files of the runs that whose picks.
func sweep(whose func(pid int) bool) error {
	picked := func(name string) bool {
		pid, ours := owner(name)
		return ours && whose(pid)
	}
	loops, err := loopDevices()
	if err != nil {
		return err
	}
	all := unmountAll(func(source string) bool { return picked(source) || picked(loops[source]) })
	for device, image := range loops {
		if picked(image) {
			all = errors.Join(all, exec.Command("losetup", "--detach", device).Run())
		}
	}
	entries, err := os.ReadDir(Base())
	if err != nil {
		return errors.Join(all, err)
	}
	for _, e := range entries {
		if picked(e.Name()) {
			all = errors.Join(all, os.RemoveAll(filepath.Join(Base(), e.Name())))
		}
	}
	return all
}

// unmountAll unmounts what has a source that is picked.
func unmountAll(picked func(source string) bool) error {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var all error
	for line := range strings.Lines(string(text)) {
		front, back, ok := strings.Cut(line, " - ")
		f, b := strings.Fields(front), strings.Fields(back)
		if ok && len(f) > 4 && len(b) > 1 && picked(b[1]) {
			all = errors.Join(all, syscall.Unmount(f[4], syscall.MNT_DETACH))
		}
	}
	return all
}

// loopDevices are those in use, with their images.
func loopDevices() (map[string]string, error) {
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, f := range files {
		image, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue // detached since
		}
		if err != nil {
			return nil, err
		}
		device := "/dev/" + filepath.Base(filepath.Dir(filepath.Dir(f)))
		all[device] = strings.TrimSuffix(strings.TrimSpace(string(image)), " (deleted)")
	}
	return all, nil
}
