package txfile

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/txc-dev/txc/api/txcpb"
)

func sqlWork(n node) (*txcpb.SqlWork, *Error) {
	items, bad := list(n)
	if bad != nil {
		return nil, bad
	}
	work := &txcpb.SqlWork{}
	for _, item := range items {
		name, child, bad := single(item, "exec", "query")
		if bad != nil {
			return nil, bad
		}
		op, bad := sqlOp(child, name == "query")
		if bad != nil {
			return nil, bad
		}
		work.Ops = append(work.Ops, op)
	}
	return work, nil
}

func sqlOp(n node, query bool) (*txcpb.SqlOp, *Error) {
	f, bad := n.fields("name", "text", "args", "rows")
	if bad != nil {
		return nil, bad
	}
	op := &txcpb.SqlOp{Query: query}
	if op.Name, bad = f.optional("name"); bad != nil {
		return nil, bad
	}
	if op.Text, bad = f.optional("text"); bad != nil {
		return nil, bad
	}
	if (op.Name == "") == (op.Text == "") {
		return nil, n.bad("", "say either the name of a statement or its text")
	}
	if op.Rows, bad = f.integer("rows"); bad != nil {
		return nil, bad
	}
	args, ok := f.get("args")
	if !ok {
		return op, nil
	}
	if args.Kind != yaml.SequenceNode {
		return nil, args.bad("", "args are a list")
	}
	for _, item := range args.items() {
		v, bad := value(item)
		if bad != nil {
			return nil, bad
		}
		op.Args = append(op.Args, v)
	}
	return op, nil
}

// value reads null, a boolean, a number, text, {base64: …} or {time: RFC 3339}.
func value(n node) (*txcpb.Value, *Error) {
	if n.Kind == yaml.MappingNode {
		return taggedValue(n)
	}
	if n.Kind != yaml.ScalarNode {
		return nil, n.bad("", "not a value: use null, a boolean, a number, text, {base64: …} or {time: …}")
	}
	switch n.ShortTag() {
	case "!!null":
		return &txcpb.Value{V: &txcpb.Value_Null{Null: true}}, nil
	case "!!bool":
		return &txcpb.Value{V: &txcpb.Value_Boolean{Boolean: n.Value == "true" || n.Value == "True" || n.Value == "TRUE"}}, nil
	case "!!int":
		i, bad := n.integer()
		if bad != nil {
			return nil, bad
		}
		return &txcpb.Value{V: &txcpb.Value_Integer{Integer: i}}, nil
	case "!!float":
		var number float64
		if err := n.Decode(&number); err != nil {
			return nil, n.bad("", "not a number")
		}
		return &txcpb.Value{V: &txcpb.Value_Number{Number: number}}, nil
	}
	s, bad := n.text()
	if bad != nil {
		return nil, bad
	}
	return &txcpb.Value{V: &txcpb.Value_Text{Text: s}}, nil
}

func taggedValue(n node) (*txcpb.Value, *Error) {
	name, child, bad := single(n, "base64", "time")
	if bad != nil {
		return nil, bad
	}
	if name == "base64" {
		data, bad := child.base64()
		return &txcpb.Value{V: &txcpb.Value_Binary{Binary: data}}, bad
	}
	s, bad := child.text()
	if bad != nil {
		return nil, bad
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil, child.bad("", "not a time of RFC 3339, such as 2026-11-20T10:00:00Z")
	}
	return &txcpb.Value{V: &txcpb.Value_UnixUs{UnixUs: at.UnixMicro()}}, nil
}

func redisWork(n node) (*txcpb.RedisWork, *Error) {
	items, bad := list(n)
	if bad != nil {
		return nil, bad
	}
	work := &txcpb.RedisWork{}
	for _, item := range items {
		_, child, bad := single(item, "do")
		if bad != nil {
			return nil, bad
		}
		op, bad := redisOp(child)
		if bad != nil {
			return nil, bad
		}
		work.Ops = append(work.Ops, op)
	}
	return work, nil
}

func redisOp(n node) (*txcpb.RedisOp, *Error) {
	f, bad := n.fields("command", "args", "expect", "expect_base64")
	if bad != nil {
		return nil, bad
	}
	op := &txcpb.RedisOp{}
	if op.Command, bad = f.optional("command"); bad != nil {
		return nil, bad
	}
	if op.Command == "" {
		return nil, n.bad("", "command is missing")
	}
	if args, ok := f.get("args"); ok {
		if args.Kind != yaml.SequenceNode {
			return nil, args.bad("", "args are a list")
		}
		for _, item := range args.items() {
			data, bad := redisArg(item)
			if bad != nil {
				return nil, bad
			}
			op.Args = append(op.Args, data)
		}
	}
	if expect, ok := f.get("expect"); ok && expect.ShortTag() == "!!null" {
		return op, nil
	}
	op.Expect, _, bad = f.bytes("expect")
	return op, bad
}

func redisArg(n node) ([]byte, *Error) {
	if n.Kind == yaml.MappingNode {
		_, child, bad := single(n, "base64")
		if bad != nil {
			return nil, bad
		}
		return child.base64()
	}
	s, bad := n.text()
	return []byte(s), bad
}

func publishWork(n node) (*txcpb.PublishWork, *Error) {
	items, bad := list(n)
	if bad != nil {
		return nil, bad
	}
	work := &txcpb.PublishWork{}
	for _, item := range items {
		p, bad := publication(item)
		if bad != nil {
			return nil, bad
		}
		work.Messages = append(work.Messages, p)
	}
	return work, nil
}

func publication(n node) (*txcpb.Publication, *Error) {
	f, bad := n.fields("to", "headers", "body", "body_base64", "content_type")
	if bad != nil {
		return nil, bad
	}
	p := &txcpb.Publication{}
	if p.To, bad = f.optional("to"); bad != nil {
		return nil, bad
	}
	if p.To == "" {
		return nil, n.bad("", "to is missing: a subject, a queue, or exchange/key")
	}
	if p.Body, _, bad = f.bytes("body"); bad != nil {
		return nil, bad
	}
	if p.ContentType, bad = f.optional("content_type"); bad != nil {
		return nil, bad
	}
	if headers, ok := f.get("headers"); ok {
		p.Headers, bad = headers.textMap()
	}
	return p, bad
}

func callWork(n node) (*txcpb.CallWork, *Error) {
	f, bad := n.fields("name", "body", "body_base64")
	if bad != nil {
		return nil, bad
	}
	call := &txcpb.CallWork{}
	if call.Name, bad = f.optional("name"); bad != nil {
		return nil, bad
	}
	if call.Name == "" {
		return nil, n.bad("", "name is missing: which of the participant's calls")
	}
	call.Body, _, bad = f.bytes("body")
	return call, bad
}
