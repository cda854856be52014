package participantd

import (
	"cmp"
	"context"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9/logging"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/redis"
)

const redisPassword = "REDISCLI_AUTH" // as for redis-cli

var redisKind = kind{
	schemes: []string{"redis://", "rediss://"}, usage: "redis://user@host:port/0, rediss:// for TLS", pooled: true, password: redisPassword,
	open: func(ctx context.Context, o Options, log *slog.Logger) (participant.Resource, error) {
		logging.Disable() // it writes to stderr in a form of its own what it returns as errors, too
		return redis.Open(ctx, o.Database, redis.Options{
			Cluster: o.Cluster, Name: o.Name, Password: cmp.Or(o.Password, os.Getenv(redisPassword)), Logger: log, LockTimeout: o.LockTimeout, Connections: o.Connections,
		})
	},
}
