package procs

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// lookEvery is the pause between two looks at a process's state.
const lookEvery = 2 * time.Millisecond

// WaitStopped waits until the process has been stopped by a signal, as a failpoint does it. An error if it ends instead, or
// does not stop in time. SIGCONT lets it go on.
func (s *Server) WaitStopped(limit time.Duration) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for began := time.Now(); time.Since(began) < limit; <-look.C {
		if !s.Running() {
			return fmt.Errorf("%s was to stop and ended, with code %d\n%s", s.Name, s.code, s.LogEnd())
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
		if err != nil {
			continue // it is ending
		}
		// pid (program) state …: the program's name may have anything in it, and comes to an end at the last bracket.
		if i := strings.LastIndex(string(stat), ") "); i >= 0 && strings.HasPrefix(string(stat[i+2:]), "T") {
			return nil
		}
	}
	return fmt.Errorf("%s has not stopped within %v\n%s", s.Name, limit, s.LogEnd())
}
