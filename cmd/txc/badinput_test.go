package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/api/txcpb"
)

// Bad input is one line that says what to do, with the right exit code; nobody is asked anything.
func TestBadInputIsOneLine(t *testing.T) {
	rows := []struct {
		name, args, stdin string
		exit              int
		says              string
	}{
		{"an unknown command", "frob", "", 2, `no command "frob": see txc help`},
		{"an unknown flag", "list --bogus", "", 2, "-bogus: see txc list --help"},
		{"a flag without its value", "list --state", "", 2, "--state needs a value"},
		{"an unknown format", "list -o xml", "", 2, "use table or json"},
		{"no patience", "list --patience 0s", "", 2, "--patience"},
		{"a duration that is none", "list --patience soon", "", 2, "patience"},
		{"an argument too many", "list now", "", 2, "1 arguments for txc list"},
		{"an argument of a subcommand too few", "accept participant", "", 2, "use txc accept participant NAME"},
		{"a global flag's bad value", "list --patience long", "", 2, "see txc --help"},
		{"an argument too few", "enlist c1.1.1 bank-a", "", 2, "ID PARTICIPANT OPS"},
		{"a coordinator without a port", "status -c localhost", "", 2, "no host:port"},
		{"a participant without a port", "resolve c1.1.1 --participant p --at localhost --outcome abort --reason r --mark 00c0ffee00c0ffee", "", 2, "no host:port"},
		{"no file", "run", "", 2, "--file"},
		{"a file that is not there", "run -f /nowhere/tx.yaml", "", 2, "no such file"},
		{"an empty file", "run -f -", "", 2, "standard input:1: the file is empty"},
		{"malformed YAML", "run -f -", "a: [", 2, "standard input:1: not YAML"},
		{"an unknown key", "run -f -", "branch: []", 2, "standard input:1: branch: unknown key"},
		{"a bad wait", "run -f - --wait never", transferText, 2, "use applied or decided"},
		{"a timeout of zero", "run -f - --timeout 0s", transferText, 2, "--timeout: a timeout of 0s"},
		{"a label without a value", "run -f - --label x", transferText, 2, "name=text"},
		{"a bad label", "begin --label X=y", "", 2, "label name"},
		{"an empty key", "begin --key=", "", 2, "--key"},
		{"what is no id", "show 17", "", 2, "ids look like c1.7.1042"},
		{"an id with a leading zero", "commit c1.07.3", "", 2, "is not a transaction id"},
		{"neither id nor key", "show", "", 2, "an id, or --key"},
		{"both id and key", "show c1.1.1 --key k", "", 2, "an id, or --key"},
		{"operations that are none", "enlist c1.1.1 bank-a nothing", "", 2, "OPS:1:"},
		{"operations in no file", "enlist c1.1.1 bank-a @/nowhere", "", 2, "no such file"},
		{"a participant's bad name", "enlist c1.1.1 Bank ops", "", 2, "participant name"},
		{"an unknown state", "list --state lost", "", 2, "in-doubt"},
		{"a bad since", "list --since yesterday", "", 2, "such as 10m"},
		{"a limit of zero", "list --limit 0", "", 2, "use 1 to 10000"},
		{"no participant to settle", "resolve c1.1.1 --outcome commit --reason r", "", 2, "--participant"},
		{"no outcome to settle", "resolve c1.1.1 --participant p --reason r", "", 2, "use commit or abort"},
		{"no reason to settle", "resolve c1.1.1 --participant p --outcome abort", "", 2, "--reason"},
		{"a bad mark", "resolve c1.1.1 --participant p --outcome abort --reason r --mark 7", "", 2, "16 hexadecimal digits"},
		{"accept nothing", "accept", "", 2, "accept loss"},
		{"accept something else", "accept fate", "", 2, "accept loss"},
		{"gone without a name", "accept gone --reason r", "", 2, "NAME"},
		{"remove without a reason", "participants remove bank-a", "", 2, "--reason"},
		{"a log of nothing", "log", "", 2, "log verify"},
		{"a log nowhere named", "log verify", "", 2, "--data"},
		{"a log that is not there", "log verify --data /nowhere", "", 2, "/nowhere"},
		{"a shell that is none", "completion tcsh", "", 2, "bash, zsh or fish"},
		{"a demonstration over something", "demo --data .", "", 2, "not empty"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			args := append([]string{"-c", "127.0.0.1:1", "--patience=1ms"}, strings.Fields(row.args)...)
			stdout, stderr, exit := command(t, row.stdin, args...)
			if exit != row.exit || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, row.says) {
				t.Errorf("exit code %d, want %d; stdout %q; stderr %q must be a line with %q", exit, row.exit, stdout, stderr, row.says)
			}
			if strings.Contains(row.args, "xml") {
				return
			}
			stdout, stderr, exit = command(t, row.stdin, append([]string{"-o", "json"}, args...)...)
			if valid(t, "error", stdout); exit != row.exit || stderr != "" {
				t.Errorf("with -o json: exit code %d, stderr %q", exit, stderr)
			}
		})
	}
}

func TestNobodyThereIsCertain(t *testing.T) {
	for _, args := range []string{"run -f - --key k", "begin --key k", "list", "status", "participants", "watch", "show c1.1.1", "accept loss --reason r"} {
		stdout, _, exit := command(t, transferText, append(strings.Fields(args), "-c", "127.0.0.1:1", "--patience", "20ms", "-o", "json")...)
		if valid(t, "error", stdout); exit != 5 {
			t.Errorf("%s: exit code %d", args, exit)
		}
		if strings.Contains(args, "--key") && !strings.Contains(stdout, `"key":"k"`) {
			t.Errorf("%s: %s", args, stdout)
		}
	}
	stdout, _, exit := command(t, "", "commit", "c1.1.1", "-c", "127.0.0.1:1", "--patience", "20ms", "-o", "json")
	if valid(t, "error", stdout); exit != 4 || !strings.Contains(stdout, `"outcome":"unknown"`) {
		t.Errorf("commit: exit code %d, %s", exit, stdout)
	}
}

// A server that takes the request and dies leaves the outcome unknown; the key says how to ask.
func TestAnswerThatIsLostIsUnknown(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	hang := make(chan struct{})
	f := &fake{
		run: func(*txcpb.RunRequest) (*txcpb.TxReply, error) {
			interrupt() // the request has come; the person has had enough
			<-hang
			return nil, net.ErrClosed
		},
		commit: func(*txcpb.EndRequest) (*txcpb.TxReply, error) { return nil, net.ErrClosed },
	}
	address := f.serve(t)
	defer close(hang)
	var out, words bytes.Buffer
	p := &program{stdin: strings.NewReader(transferText), stdout: &out, stderr: &words, now: time.Now}
	exit := p.run(ctx, []string{"txc", "run", "-f", "-", "-o", "json", "-c", address})
	stdout := out.String()
	if valid(t, "error", stdout); exit != 4 || !strings.Contains(stdout, `"key":"order-4711"`) || !strings.Contains(stdout, `"outcome":"unknown"`) {
		t.Errorf("run: exit code %d, %s", exit, stdout)
	}
	stdout, _, exit = command(t, "", "commit", "c1.7.1042", "-o", "json", "-c", address)
	if valid(t, "error", stdout); exit != 4 || !strings.Contains(stdout, `"id":"c1.7.1042"`) {
		t.Errorf("commit: exit code %d, %s", exit, stdout)
	}
}
