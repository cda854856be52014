package txfile

import (
	"fmt"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// kinds are the forms of work; a branch has exactly one of them.
var kinds = []string{"kv", "sql", "redis", "publish", "call"}

func readBranches(n node) ([]Branch, *Error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil, n.bad("", "branches are a list of at least one")
	}
	if len(n.Content) > txc.MaxBranches {
		return nil, n.bad(txc.CodeTooManyBranches, fmt.Sprintf("%d branches: at most %d", len(n.Content), txc.MaxBranches))
	}
	branches := make([]Branch, 0, len(n.Content))
	lines := make(map[string]int, len(n.Content))
	total := 0
	for _, child := range n.items() {
		b, bad := readBranch(child)
		if bad != nil {
			return nil, bad
		}
		if line, twice := lines[b.Participant]; twice {
			return nil, child.bad("", fmt.Sprintf("%s has a branch at line %d already: put all its operations into that one's list", b.Participant, line))
		}
		lines[b.Participant] = child.Line
		if total += len(b.Work); total > txc.MaxTxWork {
			return nil, child.bad(txc.CodeTooLarge, fmt.Sprintf("the transaction's work has more than %d bytes", txc.MaxTxWork))
		}
		branches = append(branches, b)
	}
	return branches, nil
}

func readBranch(n node) (Branch, *Error) {
	f, bad := n.fields(append([]string{"participant"}, kinds...)...)
	if bad != nil {
		return Branch{}, bad
	}
	who, ok := f.get("participant")
	if !ok {
		return Branch{}, n.bad("", "participant is missing")
	}
	name, bad := who.text()
	if bad != nil {
		return Branch{}, bad
	}
	if txc.CheckParticipant(name) != nil {
		return Branch{}, who.bad(txc.CodeBadName, fmt.Sprintf("participant name %q: use 1 to %d of a-z, 0-9, . -, starting with a letter or digit", name, txc.MaxParticipant))
	}
	work, bad := kindWork(n, f)
	return Branch{Participant: name, Work: work}, bad
}

// opsWork reads the operations of `enlist`.
func opsWork(n node) ([]byte, *Error) {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		first := n.Content[0].Value
		if _, single := kvReaders[first]; !single {
			f, bad := n.fields(kinds...)
			if bad != nil {
				return nil, bad
			}
			return kindWork(n, f)
		}
		n.Node = &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line, Content: []*yaml.Node{n.Node}}
	}
	kv, bad := kvWork(n)
	if bad != nil {
		return nil, bad
	}
	return marshal(n, &txcpb.Work{Kind: &txcpb.Work_Kv{Kv: kv}})
}

// kindWork reads the one kind of work that a branch has.
func kindWork(n node, f fields) ([]byte, *Error) {
	var found string
	for _, kind := range kinds {
		if _, ok := f.get(kind); !ok {
			continue
		}
		if found != "" {
			return nil, n.bad("", fmt.Sprintf("both %s and %s: a branch has one of them", found, kind))
		}
		found = kind
	}
	if found == "" {
		return nil, n.bad("", "no operations: add one of kv, sql, redis, publish, call")
	}
	child, _ := f.get(found)
	work := &txcpb.Work{}
	var bad *Error
	switch found {
	case "kv":
		var w *txcpb.KvWork
		w, bad = kvWork(child)
		work.Kind = &txcpb.Work_Kv{Kv: w}
	case "sql":
		var w *txcpb.SqlWork
		w, bad = sqlWork(child)
		work.Kind = &txcpb.Work_Sql{Sql: w}
	case "redis":
		var w *txcpb.RedisWork
		w, bad = redisWork(child)
		work.Kind = &txcpb.Work_Redis{Redis: w}
	case "publish":
		var w *txcpb.PublishWork
		w, bad = publishWork(child)
		work.Kind = &txcpb.Work_Publish{Publish: w}
	case "call":
		var w *txcpb.CallWork
		w, bad = callWork(child)
		work.Kind = &txcpb.Work_Call{Call: w}
	}
	if bad != nil {
		return nil, bad
	}
	return marshal(child, work)
}

func marshal(n node, work *txcpb.Work) ([]byte, *Error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(work)
	if err != nil {
		return nil, n.bad("", err.Error())
	}
	if len(data) > txc.MaxWork {
		return nil, n.bad(txc.CodeTooLarge, fmt.Sprintf("%d bytes of work: at most %d for one branch", len(data), txc.MaxWork))
	}
	return data, nil
}

// list gives the items of a list that must have at least one.
func list(n node) ([]node, *Error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil, n.bad("", "a list of at least one operation")
	}
	return n.items(), nil
}

// single takes `{name: {…}}` apart.
func single(n node, names ...string) (string, node, *Error) {
	f, bad := n.fields(names...)
	if bad != nil {
		return "", node{}, bad
	}
	if len(f) != 1 {
		return "", node{}, n.bad("", "an operation is a mapping with one key, such as "+names[0])
	}
	for name, child := range f {
		return name, child, nil
	}
	return "", node{}, nil
}
