package participantd

import (
	"context"
	"log/slog"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/postgres"
)

var postgresKind = kind{
	schemes: []string{"postgres://", "postgresql://"}, usage: "postgres://user@host/database", password: "PGPASSWORD",
	open: func(ctx context.Context, o Options, log *slog.Logger) (participant.Resource, error) {
		all := make(map[string]postgres.Statement, len(o.Statements))
		for name, s := range o.Statements {
			all[name] = postgres.Statement{Text: s.Text, Query: s.Query}
		}
		return postgres.Open(ctx, o.Database, postgres.Options{
			Cluster: o.Cluster, Name: o.Name, Password: o.Password, Logger: log,
			AllowFreeSQL: o.AllowFreeSQL, Statements: all, LockTimeout: o.LockTimeout,
		})
	},
}
