package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/console"
)

// completionFlag asks the library for words that may follow; it must stay last.
const completionFlag = "--generate-bash-completion"

// reorder puts the arguments into the one order that the library understands, which stops at the first argument that is
// no flag and takes global flags before the command alone:
//
//	txc show c1.7.1042 -o json   ▶   txc -o json show -- c1.7.1042
//
// A flag goes to the deepest command of the path that knows it; an unknown one to the deepest of all, so that the error
// names that. A token that starts with a dash and no letter is an argument: "-", "-30", "- add: …".
func reorder(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 || args[len(args)-1] == completionFlag {
		return args, nil
	}
	valued := takesValue(app)
	var flags [][]string // each with its value
	var words []string
	rest := args[1:]
	for i := 0; i < len(rest); i++ {
		switch a := rest[i]; {
		case a == "--":
			words = append(words, rest[i:]...)
			i = len(rest)
		case !isFlag(a):
			words = append(words, a)
		case strings.Contains(a, "=") || !valued[flagName(a)]:
			flags = append(flags, []string{a})
		case i+1 == len(rest):
			return nil, console.BadInput("flag %s needs a value", a).With("see txc help")
		default:
			flags = append(flags, rest[i:i+2])
			i++
		}
	}
	path, words := commandPath(app, words)
	return arrange(args[0], app, path, flags, words), nil
}

// commandPath takes the names of command and subcommands from the front of the words.
func commandPath(app *cli.App, words []string) ([]*cli.Command, []string) {
	var path []*cli.Command
	for commands := app.Commands; len(words) > 0; commands = path[len(path)-1].Subcommands {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(words[0]) })
		if i < 0 {
			break
		}
		path, words = append(path, commands[i]), words[1:]
	}
	if i := slices.Index(words, "--"); i >= 0 {
		words = slices.Delete(slices.Clone(words), i, i+1)
	}
	return path, words
}

func arrange(name string, app *cli.App, path []*cli.Command, flags [][]string, words []string) []string {
	at := make([][]string, len(path)+1)
	for _, f := range flags {
		level := len(path)
		for i := len(path); i >= 0; i-- {
			known := app.Flags
			if i > 0 {
				known = path[i-1].Flags
			}
			if knows(known, flagName(f[0])) {
				level = i
				break
			}
		}
		at[level] = append(at[level], f...)
	}
	out := append([]string{name}, at[0]...)
	for i, c := range path {
		out = append(append(out, c.Name), at[i+1]...)
	}
	if len(words) > 0 {
		out = append(out, "--")
	}
	return append(out, words...)
}

func knows(flags []cli.Flag, name string) bool {
	return slices.ContainsFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}

// takesValue tells of every flag of every command whether it takes a value. One name means the same everywhere.
func takesValue(app *cli.App) map[string]bool {
	valued := map[string]bool{}
	note := func(flags []cli.Flag) {
		for _, f := range flags {
			_, isBool := f.(*cli.BoolFlag)
			for _, name := range f.Names() {
				valued[name] = !isBool
			}
		}
	}
	note(app.Flags)
	each(app.Commands, func(c *cli.Command) { note(c.Flags) })
	return valued
}

// isFlag reports whether a token is a flag: one or two dashes and a letter.
func isFlag(a string) bool {
	name := strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-")
	return len(a) > len(name) && name != "" && ('a' <= name[0]|0x20 && name[0]|0x20 <= 'z')
}

func flagName(a string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(a, "-"), "-"), "=")
	return name
}
