package postgres

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// Options of Open. The zero value of a field means its default.
type Options struct {
	Cluster, Name string       // whose participant it is; both are needed
	Password      string       // instead of that of the address, of PGPASSWORD and of the password file
	Logger        *slog.Logger // default: none

	AllowFreeSQL bool                         // take the text of statements from clients
	Statements   map[string]sqlwork.Statement // what clients can call by name
	Handlers     map[string]Handler           // operations in Go that clients can call by name

	LockTimeout time.Duration // how long a statement may wait for a lock; default 1 s
	Connections int           // sessions for work, at most, three quarters of them for joined branches; half as many more finish what was promised; default 32
}

// Defaults of Options.
const (
	DefaultLockTimeout = time.Second
	DefaultConnections = 32
)

func (o Options) complete() (Options, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	if o.Connections == 0 {
		o.Connections = DefaultConnections
	}
	err := errors.Join(txc.CheckCluster(o.Cluster), txc.CheckParticipant(o.Name))
	if o.LockTimeout < time.Millisecond || o.Connections < 2 {
		err = errors.Join(err, fmt.Errorf("%w: lock timeout %v, %d connections: use at least 1ms and 2", txc.ErrInvalid, o.LockTimeout, o.Connections))
	}
	for name, h := range o.Handlers {
		if h == nil {
			err = errors.Join(err, fmt.Errorf("%w: handler %s is nil", txc.ErrInvalid, name))
		}
	}
	return o, errors.Join(err, o.terms().Check())
}

func (o Options) terms() sqlwork.Terms {
	return sqlwork.Terms{Free: o.AllowFreeSQL, Statements: o.Statements, Grammar: grammar}
}
