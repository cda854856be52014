package participantd

import (
	"context"
	"log/slog"
	"strings"

	"github.com/txc-dev/txc/participant"
)

// kind is a sort of store that --store can name by its address, beside a key-value store in a directory.
type kind struct {
	schemes  []string // how its addresses begin
	usage    string   // an address, as --help shows it
	staged   bool     // it needs --staging
	sql      bool     // it takes statements
	pooled   bool     // it takes --connections
	password string   // the environment variable that holds a password which the address leaves out; "": none
	open     func(ctx context.Context, o Options, log *slog.Logger) (participant.Resource, error)
}

// kinds are all of them. A new adapter adds a row, in a file of its own.
var kinds = []kind{postgresKind, mysqlKind, redisKind, natsKind, rabbitmqKind}

// kindOf finds the kind of an address.
func kindOf(address string) (kind, bool) {
	for _, k := range kinds {
		for _, s := range k.schemes {
			if strings.HasPrefix(address, s) {
				return k, true
			}
		}
	}
	return kind{}, false
}

// usages lists the addresses that --store takes.
func usages() string {
	all := []string{"kv:DIR, a key-value store in this directory"}
	for _, k := range kinds {
		all = append(all, k.usage)
	}
	return strings.Join(all[:len(all)-1], "; ") + "; or " + all[len(all)-1]
}

// passwords lists the environment variables that hold a password.
func passwords() string {
	var all []string
	for _, k := range kinds {
		if k.password != "" {
			all = append(all, k.password)
		}
	}
	return strings.Join(all, ", ")
}
