package txc

import "errors"

// The sentinels. Everything that the project returns wraps one of them; errors.Is tells which.
var (
	ErrAborted     = errors.New("aborted")                                  // certain: no effect anywhere
	ErrUnknown     = errors.New("outcome unknown")                          // ask later, or repeat under the same key
	ErrUnavailable = errors.New("unavailable")                              // certain: nothing was begun
	ErrInvalid     = errors.New("invalid")                                  // the request itself is wrong
	ErrNotFound    = errors.New("not found")                                // an id that was never issued, a name never registered
	ErrKeyReused   = errors.New("key used for another request")             // the same key, another digest
	ErrMixed       = errors.New("committed or aborted, but not everywhere") // a heuristic branch stands against the decision
	ErrBusy        = errors.New("busy")                                     // a bounded queue is full; certain that nothing was begun
	ErrClosed      = errors.New("closed")
	ErrRefused     = errors.New("log refused")    // damaged, foreign, shortened, or made by a newer version: exit code 8
	ErrStopped     = errors.New("stopped itself") // a log write failed, or another owner was seen: exit code 9
)
