package redis

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
)

// Bounds of a branch.
const (
	MaxOps  = 1000 // commands
	MaxArgs = 1000 // arguments of one command
)

// work is what a branch's commands come to: the keys, each once, and what the script is told of the commands.
type work struct {
	keys []string
	args []any
}

// read reads a branch's work. What it does not know is an error: a newer client may have meant a condition by it.
func read(data []byte) (work, error) {
	var all txcpb.Work
	if err := proto.Unmarshal(data, &all); err != nil {
		return work{}, fmt.Errorf("it is not work: %w", err)
	}
	ops := all.GetRedis().GetOps()
	switch {
	case all.GetRedis() == nil || unknown(&all) || unknown(all.GetRedis()):
		return work{}, fmt.Errorf("it is not for Redis")
	case len(ops) == 0 || len(ops) > MaxOps:
		return work{}, fmt.Errorf("%d commands: use 1 to %d", len(ops), MaxOps)
	}
	var w work
	for i, op := range ops {
		if err := w.add(op); err != nil {
			return w, fmt.Errorf("command %d (%.20q): %w", i, op.GetCommand(), err)
		}
	}
	return w, nil
}

func (w *work) add(op *txcpb.RedisOp) error {
	name := strings.ToLower(op.GetCommand())
	c, is := commands[name]
	args := make([]string, len(op.GetArgs()))
	for i, a := range op.GetArgs() {
		args[i] = string(a)
	}
	switch {
	case unknown(op):
		return fmt.Errorf("it says more than this participant knows")
	case !is:
		return fmt.Errorf("it is not one of those that a branch can use")
	case len(args) == 0 || len(args) > MaxArgs:
		return fmt.Errorf("%d arguments: use its key and what belongs to it, at most %d", len(args), MaxArgs)
	case reserved(args[0]):
		return fmt.Errorf("keys that begin with txc/ or txc: are the participants' own")
	case op.Expect != nil && c.list:
		return fmt.Errorf("it replies with a list: nothing can be expected of that")
	}
	rest, err := c.check(args[1:])
	if err != nil {
		return err
	}
	expect := ""
	if op.Expect != nil {
		expect = "=" + string(op.Expect)
	}
	as := name
	if c.as != "" {
		as = c.as
	}
	w.args = append(w.args, name, as, dataKeys+w.place(args[0]), expect, len(rest))
	for _, a := range rest {
		w.args = append(w.args, a)
	}
	return nil
}

// dataKeys is the place of the first key of the work among a script's.
const dataKeys = 6

// place is that of a key among the work's.
func (w *work) place(key string) int {
	if i := slices.Index(w.keys, key); i >= 0 {
		return i
	}
	w.keys = append(w.keys, key)
	return len(w.keys) - 1
}

func unknown(m proto.Message) bool { return len(m.ProtoReflect().GetUnknown()) > 0 }

// reserved are the keys of participants.
func reserved(key string) bool {
	return strings.HasPrefix(key, "txc/") || strings.HasPrefix(key, "txc:")
}

// keep writes down a branch's keys for its end, as the arguments of a command that nobody runs.
func keep(keys []string) ([]byte, error) {
	op := &txcpb.RedisOp{}
	for _, k := range keys {
		op.Args = append(op.Args, []byte(k))
	}
	return proto.Marshal(op)
}

// kept reads what keep wrote.
func kept(data string) ([]string, error) {
	var op txcpb.RedisOp
	if err := proto.Unmarshal([]byte(data), &op); err != nil {
		return nil, fmt.Errorf("a branch's keys: %w", err)
	}
	var keys []string
	for _, k := range op.GetArgs() {
		keys = append(keys, string(k))
	}
	return keys, nil
}
