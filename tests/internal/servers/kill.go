package servers

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// kill ends the server and all that it has started, at once; s.mu is held.
func (s *Server) kill() {
	if s.cmd == nil {
		return
	}
	all := freeze(s.cmd.Process.Pid)
	_ = s.cmd.Process.Kill() // its only error is that it has ended
	for _, child := range all {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	<-s.ended
	look := time.NewTicker(lookEvery) // whoever adopts them reaps them: nothing tells us when
	defer look.Stop()
	for began := time.Now(); time.Since(began) < goneTime && slices.ContainsFunc(all, alive); {
		<-look.C
	}
	s.cmd = nil
}

// Freeze keeps the server, and all that it has started, from doing anything until Thaw; what is sent to it waits.
func (s *Server) Freeze() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return fmt.Errorf("the server does not run")
	}
	s.frozen = append(freeze(s.cmd.Process.Pid), s.cmd.Process.Pid)
	return nil
}

// Thaw ends Freeze.
func (s *Server) Thaw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all error
	for _, pid := range s.frozen {
		all = errors.Join(all, syscall.Kill(pid, syscall.SIGCONT))
	}
	s.frozen = nil
	return all
}

// freeze stops a process and all below it, so that they start no more, and returns those below.
func freeze(pid int) []int {
	_ = syscall.Kill(pid, syscall.SIGSTOP) // its only error is that it has ended
	var all []int
	for _, child := range children(pid) {
		all = append(append(all, child), freeze(child)...)
	}
	return all
}

// children are the processes that a process has started, by whichever of its threads, and that run.
func children(pid int) []int {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil // it has ended
	}
	var all []int
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue // this thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(field); err == nil {
				all = append(all, n)
			}
		}
	}
	return all
}

// alive: a process that is dead and not yet reaped does nothing more.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	i := strings.LastIndex(string(stat), ") ")
	return i >= 0 && !strings.HasPrefix(string(stat[i+2:]), "Z")
}
