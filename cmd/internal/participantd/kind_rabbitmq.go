package participantd

import (
	"context"
	"log/slog"
	"os"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/rabbitmq"
)

var rabbitmqKind = kind{
	schemes: []string{"amqp://", "amqps://"}, usage: "amqp://user@host:port/vhost", password: "RABBITMQ_PASSWORD", staged: true,
	open: func(ctx context.Context, o Options, log *slog.Logger) (participant.Resource, error) {
		password := o.Password
		if password == "" {
			password = os.Getenv("RABBITMQ_PASSWORD")
		}
		return rabbitmq.Open(ctx, o.Database, o.Staging, rabbitmq.Options{
			Cluster: o.Cluster, Name: o.Name, Address: o.Advertise, Password: password, Logger: log, MinFree: o.MinFree, Ballast: o.Ballast,
		})
	},
}
