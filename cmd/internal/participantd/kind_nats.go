package participantd

import (
	"context"
	"log/slog"
	"os"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/nats"
)

var natsKind = kind{
	schemes: []string{"nats://", "tls://"}, usage: "nats://user@host:port", password: "NATS_PASSWORD", staged: true,
	open: func(ctx context.Context, o Options, log *slog.Logger) (participant.Resource, error) {
		password := o.Password
		if password == "" {
			password = os.Getenv("NATS_PASSWORD")
		}
		return nats.Open(ctx, o.Database, o.Staging, nats.Options{
			Cluster: o.Cluster, Name: o.Name, Address: o.Advertise, Password: password, Logger: log, MinFree: o.MinFree, Ballast: o.Ballast,
		})
	},
}
