package mysql

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
	Password      string       // instead of that of the address and of MYSQL_PWD
	Logger        *slog.Logger // default: none

	AllowFreeSQL bool                         // take the text of statements from clients
	Statements   map[string]sqlwork.Statement // what clients can call by name
	Handlers     map[string]Handler           // operations in Go that clients can call by name

	LockTimeout time.Duration // how long a statement may wait for a lock, in whole seconds: more is rounded up; default 1 s
	Connections int           // branches that can work at once whatever has promised, three quarters of them joined ones at most; default 32
}

// Defaults and bounds of Options. A participant has at most two and a half times as many sessions as Connections: as many that
// work, as many that have promised and wait for the decision, and half as many that finish.
const (
	DefaultLockTimeout = time.Second
	DefaultConnections = 32
	MaxConnections     = slots / 4
)

// grammar is how a statement of a branch may begin.
var grammar = sqlwork.Grammar{
	Verbs: []string{"select", "insert", "update", "delete", "replace", "with", "values", "table", "call", "do"},
	Hash:  true,
	Live:  true,
}

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
	if o.LockTimeout < time.Millisecond || o.Connections < 2 || o.Connections > MaxConnections {
		err = errors.Join(err, fmt.Errorf("%w: lock timeout %v, %d connections: use at least 1ms, and 2 to %d", txc.ErrInvalid, o.LockTimeout, o.Connections, MaxConnections))
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

// finishers is how many sessions finish, list and note.
func (o Options) finishers() int { return max(2, o.Connections/2) }

// sessions is how many there may be at once.
func (o Options) sessions() int { return 2*o.Connections + o.finishers() }
