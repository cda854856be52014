package participantd

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/participant/kv"
)

// Act is the action of a command with Flags: it serves until its context ends, or dumps the store.
func Act(c *cli.Context, software string, stdout, stderr io.Writer) error {
	if c.Args().Present() {
		return console.BadInput("unexpected argument %q", c.Args().First()).With("see --help")
	}
	file, err := applyConfig(c)
	if err != nil {
		return err
	}
	if c.Bool("dump") {
		dir, err := Dir(c.String("store"))
		if err != nil {
			return err
		}
		if err := kv.Dump(dir, stdout); err != nil {
			return fmt.Errorf("dump: %w", err)
		}
		return nil
	}
	o, err := OptionsOf(c, file, software, stderr)
	if err != nil {
		return err
	}
	return Serve(c.Context, o, stdout)
}
