package participantd

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
)

// Dir takes the directory out of --store.
func Dir(store string) (string, error) {
	dir, ok := strings.CutPrefix(store, "kv:")
	if !ok || dir == "" {
		return "", console.BadInput("--store %q", store).With("use kv:DIR, a key-value store in this directory")
	}
	return dir, nil
}

// readStore reads --store and what belongs to it. What comes out of the environment is never shown.
func (o *Options) readStore(c *cli.Context, f config) error {
	store := c.String("store")
	o.LockTimeout = c.Duration("lock-timeout")
	if o.LockTimeout <= 0 {
		return console.BadInput("--lock-timeout %v", o.LockTimeout).With("use a duration above zero, such as 1s")
	}
	if strings.HasPrefix(store, "kv:") {
		if err := meant(c, f, "a key-value store", "password-file", "allow-free-sql", "connections", "staging", keyStatements); err != nil {
			return err
		}
		var err error
		o.Dir, err = Dir(store)
		return err
	}
	if spelled(store) {
		return console.BadInput("--store has a password in it").With("put it into --password-file or the environment (" + passwords() + "), or write ${NAME} of a variable")
	}
	var missing []string
	if o.Database, missing = expand(store); len(missing) > 0 {
		return console.BadInput("--store names %s, which the environment does not have", strings.Join(missing, ", ")).With("set it")
	}
	k, ok := kindOf(o.Database)
	if !ok {
		return console.BadInput("--store %q", store).With("use " + usages())
	}
	if err := k.meant(c, f); err != nil {
		return err
	}
	switch o.Staging = c.String("staging"); {
	case k.staged && o.Staging == "":
		return console.BadInput("--store %s has no --staging", k.usage).With("name a directory for what is to be published: it holds this participant's promises")
	case !k.staged && o.Staging != "":
		return console.BadInput("--staging is for brokers").With("leave it out")
	}
	if o.Misbehave != (Misbehave{}) {
		return console.BadInput("only a key-value store can misbehave").With("leave out --deny, --delay, --stall and --forget")
	}
	if o.Connections = c.Int("connections"); o.Connections < 2 {
		return console.BadInput("--connections %d", o.Connections).With("use 2 or more")
	}
	o.AllowFreeSQL, o.Statements = c.Bool("allow-free-sql"), f.statements
	if path := c.String("password-file"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return console.BadInput("--password-file: %v", err).With("name a file that holds the password alone")
		}
		o.Password = strings.TrimRight(string(text), "\r\n")
	}
	return nil
}

// meant refuses what was said by flag, environment or file, and means nothing to such a store: nobody is to believe that it
// has an effect.
func meant(c *cli.Context, f config, store string, flags ...string) error {
	for _, flag := range flags {
		if said, where := f.said(c, flag); said {
			return console.BadInput("%s means nothing to %s", where, store).With("leave it out, or name another --store")
		}
	}
	return nil
}

func (k kind) meant(c *cli.Context, f config) error {
	var without []string
	if !k.sql {
		without = append(without, "allow-free-sql", keyStatements)
	}
	if !k.pooled {
		without = append(without, "connections")
	}
	if k.staged { // its branches wait for no lock
		without = append(without, "lock-timeout")
	}
	return meant(c, f, "a store like "+k.usage, without...)
}

// expand puts in what the environment has for ${NAME}. A variable that stands for a whole password is the password as it is,
// whatever signs it has, and is written as an address has to write them.
func expand(store string) (full string, missing []string) {
	value := func(name string) string {
		v, is := os.LookupEnv(name)
		if !is {
			missing = append(missing, name)
		}
		return v
	}
	store = wholePassword.ReplaceAllStringFunc(store, func(s string) string {
		written := url.UserPassword("", value(s[len(":${"):len(s)-len("}@")])).String()
		return strings.ReplaceAll(written, "$", "%24") + "@" // and is not looked at again
	})
	return os.Expand(store, value), missing
}

var wholePassword = regexp.MustCompile(`:\$\{[A-Za-z_][A-Za-z_0-9]*\}@`)

// spelled reports that an address spells a password out.
func spelled(store string) bool {
	for _, one := range strings.Split(store, ",") { // some take several servers
		if spelledIn(one) {
			return true
		}
	}
	return false
}

func spelledIn(store string) bool {
	_, rest, found := strings.Cut(store, "://")
	if !found {
		rest = store
	}
	authority, query, _ := strings.Cut(rest, "?")
	authority, _, _ = strings.Cut(authority, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if _, password, _ := strings.Cut(authority[:at], ":"); password != "" && !strings.HasPrefix(password, "$") {
			return true
		}
	}
	return strings.Contains(query, "password=") && !strings.Contains(query, "password=$")
}

// openStore opens the store that the options name.
func (p *Participant) openStore(ctx context.Context, log *slog.Logger) (participant.Resource, error) {
	o := p.o
	if k, ok := kindOf(o.Database); ok {
		s, err := k.open(ctx, o, log)
		if err != nil {
			return nil, fmt.Errorf("--store: %w", err)
		}
		return s, nil
	}
	s, err := kv.Open(ctx, o.Dir, kv.Options{Cluster: o.Cluster, Name: o.Name, Address: p.Address(), Logger: log, MinFree: o.MinFree, Ballast: o.Ballast, LockWait: o.LockTimeout})
	if err != nil {
		return nil, err
	}
	p.kv = s
	return o.Misbehave.wrap(s), nil
}
