package participantd

import (
	"context"
	"log/slog"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/postgres"
)

var postgresKind = kind{
	schemes: []string{"postgres://", "postgresql://"}, usage: "postgres://user@host/database", pooled: true, password: "PGPASSWORD",
	sql: true,
	open: func(ctx context.Context, o Options, log *slog.Logger) (participant.Resource, error) {
		return postgres.Open(ctx, o.Database, postgres.Options{
			Cluster: o.Cluster, Name: o.Name, Password: o.Password, Logger: log,
			AllowFreeSQL: o.AllowFreeSQL, Statements: o.Statements, LockTimeout: o.LockTimeout, Connections: o.Connections,
		})
	},
}
