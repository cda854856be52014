package mounts

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// prefix is what everything of ours is named by; the pid of its run comes next.
const prefix = "txc-disk-"

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

// sweep takes away mounts, loop devices and files of the runs that whose picks. A mount outlives its run only where that had
// no mount namespace of its own.
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
			all = errors.Join(all, Detach(f[4]))
		}
	}
	return all
}

// Detach unmounts what is in use too: it is gone when nobody uses it any more. Others than root have only what fusermount
// has mounted for them.
func Detach(at string) error {
	if os.Getuid() == 0 {
		return syscall.Unmount(at, syscall.MNT_DETACH)
	}
	return exec.Command("fusermount3", "-u", "-z", at).Run()
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
