package participantd

import (
	"context"
	"log/slog"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/mysql"
)

var mysqlKind = kind{
	schemes: []string{"mysql://", "mariadb://"}, usage: "mysql://user@host:port/database", pooled: true, password: "MYSQL_PWD",
	sql: true,
	open: func(ctx context.Context, o Options, log *slog.Logger) (participant.Resource, error) {
		return mysql.Open(ctx, o.Database, mysql.Options{
			Cluster: o.Cluster, Name: o.Name, Password: o.Password, Logger: log,
			AllowFreeSQL: o.AllowFreeSQL, Statements: o.Statements, LockTimeout: o.LockTimeout, Connections: o.Connections,
		})
	},
}
