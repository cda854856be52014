package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

func newProgram() *program {
	return &program{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, now: time.Now}
}

func TestFlagsStandAnywhere(t *testing.T) {
	for typed, want := range map[string]string{
		"txc":                                      "txc",
		"txc list":                                 "txc list",
		"txc show c1.7.1042 -o json":               "txc -o json show -- c1.7.1042",
		"txc -o=json show c1.7.1042":               "txc -o=json show -- c1.7.1042",
		"txc show -o json c1.7.1042":               "txc -o json show -- c1.7.1042",
		"txc --reason x resolve ID --who y":        "txc resolve --reason x --who y -- ID",
		"txc -f tx.yaml run -c h:1":                "txc -c h:1 run -f tx.yaml",
		"txc run -f -":                             "txc run -f -",
		"txc enlist ID bank-a -30":                 "txc enlist -- ID bank-a -30",
		"txc enlist ID bank-a -- -o":               "txc enlist -- ID bank-a -o",
		"txc participants remove bank-a -o x":      "txc -o x participants remove -- bank-a",
		"txc participants -o json":                 "txc -o json participants",
		"txc accept --reason r gone bank-a":        "txc accept gone --reason r -- bank-a",
		"txc accept loss --data d":                 "txc accept loss --data d",
		"txc participant --coordinator a --name n": "txc participant --coordinator a --name n",
		"txc serve --insecure --listen x":          "txc serve --insecure --listen x",
		"txc help run":                             "txc -- help run",
		"txc run --help":                           "txc run --help",
		"txc run --unknown x":                      "txc run --unknown -- x",
		"txc -- run":                               "txc -- run",
		"txc l --generate-bash-completion":         "txc l --generate-bash-completion",
	} {
		got, err := reorder(newProgram().app(), strings.Fields(typed))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s\n got %s, %v\nwant %s", typed, strings.Join(got, " "), err, want)
		}
	}
}

func TestFlagWithoutItsValueIsNamed(t *testing.T) {
	for _, typed := range []string{"txc show ID -o", "txc run -f", "txc resolve ID --reason"} {
		if got, err := reorder(newProgram().app(), strings.Fields(typed)); err == nil || !strings.Contains(err.Error(), "needs a value") {
			t.Errorf("%s: %q, %v", typed, got, err)
		}
	}
}

// One name takes a value everywhere or nowhere: else a flag before its command could not be read.
func TestFlagsOfOneNameAreOfOneKind(t *testing.T) {
	app := newProgram().app()
	kinds := map[string]bool{}
	note := func(flags []cli.Flag) {
		for _, f := range flags {
			_, isBool := f.(*cli.BoolFlag)
			for _, name := range f.Names() {
				if was, known := kinds[name]; known && was != isBool {
					t.Errorf("--%s is a switch in one command and takes a value in another", name)
				}
				kinds[name] = isBool
			}
		}
	}
	note(app.Flags)
	each(app.Commands, func(c *cli.Command) { note(c.Flags) })
}

func TestEveryFlagHasItsVariable(t *testing.T) {
	app := newProgram().app()
	look := func(where string, flags []cli.Flag) {
		for _, f := range flags {
			d, ok := f.(cli.DocGenerationFlag)
			visible, canHide := f.(cli.VisibleFlag)
			if hidden := canHide && !visible.IsVisible(); hidden {
				continue
			}
			if !ok || len(d.GetEnvVars()) != 1 || !strings.HasPrefix(d.GetEnvVars()[0], "TXC_") {
				t.Errorf("%s --%s has no variable TXC_…", where, f.Names()[0])
			}
		}
	}
	look("txc", app.Flags)
	each(app.Commands, func(c *cli.Command) { look("txc "+c.Name, c.Flags) })
}

func FuzzReorder(f *testing.F) {
	f.Add("show c1.7.1042 -o json")
	f.Add("accept gone x --reason=y -- -z --")
	f.Add("-- -- a")
	f.Fuzz(func(t *testing.T, typed string) {
		args := append([]string{"txc"}, strings.Split(typed, " ")...)
		app := newProgram().app()
		got, err := reorder(app, args)
		if err != nil {
			if !strings.Contains(err.Error(), "needs a value") {
				t.Fatal(err)
			}
			return
		}
		if a, b := bag(args), bag(got); !slices.Equal(a, b) {
			t.Fatalf("tokens were lost or made\n %q\n %q", args, got)
		}
		if again, err := reorder(app, got); err != nil || !slices.Equal(again, got) {
			t.Fatalf("not stable\n %q\n %q, %v", got, again, err)
		}
		if a, b := values(app, args), values(app, got); !slices.Equal(a, b) {
			t.Fatalf("flags lost their values or their order\n %q %q\n %q %q", args, a, got, b)
		}
	})
}

// bag is the tokens in order of spelling, without "--", and with a command's short name written out.
func bag(args []string) []string {
	b := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--" })
	slices.Sort(b)
	return b
}

// values is each flag with its value, in order of spelling.
func values(app *cli.App, args []string) []string {
	valued := takesValue(app)
	var all []string
	for i := 1; i < len(args) && args[i] != "--" && args[len(args)-1] != completionFlag; i++ {
		switch {
		case !isFlag(args[i]):
		case strings.Contains(args[i], "=") || !valued[flagName(args[i])]:
			all = append(all, args[i])
		default:
			all = append(all, args[i]+" "+args[i+1])
			i++
		}
	}
	slices.Sort(all)
	return all
}
