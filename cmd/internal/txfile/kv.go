package txfile

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// Limits of key-value operations; the participant checks them again.
const (
	maxKvKey   = 1 << 10
	maxKvValue = 64 << 10
	maxKvOps   = 4096
)

var kvReaders = map[string]func(node) (*txcpb.KvOp, *Error){
	"put": kvPut, "delete": kvDelete, "get": kvGet, "add": kvAdd, "check": kvCheck,
}

func kvWork(n node) (*txcpb.KvWork, *Error) {
	items, bad := list(n)
	if bad != nil {
		return nil, bad
	}
	if len(items) > maxKvOps {
		return nil, n.bad(txc.CodeTooLarge, fmt.Sprintf("%d operations: at most %d", len(items), maxKvOps))
	}
	work := &txcpb.KvWork{Ops: make([]*txcpb.KvOp, 0, len(items))}
	for _, item := range items {
		name, child, bad := single(item, "put", "delete", "get", "add", "check")
		if bad != nil {
			return nil, bad
		}
		op, bad := kvReaders[name](child)
		if bad != nil {
			return nil, bad
		}
		work.Ops = append(work.Ops, op)
	}
	return work, nil
}

func kvPut(n node) (*txcpb.KvOp, *Error) {
	f, key, bad := kvFields(n, "value", "value_base64")
	if bad != nil {
		return nil, bad
	}
	value, ok, bad := f.bytes("value")
	if bad != nil {
		return nil, bad
	}
	if !ok {
		return nil, n.bad("", "value is missing")
	}
	if bad := kvValue(n, value); bad != nil {
		return nil, bad
	}
	return &txcpb.KvOp{Op: &txcpb.KvOp_Put_{Put: &txcpb.KvOp_Put{Key: key, Value: value}}}, nil
}

func kvDelete(n node) (*txcpb.KvOp, *Error) {
	_, key, bad := kvFields(n)
	if bad != nil {
		return nil, bad
	}
	return &txcpb.KvOp{Op: &txcpb.KvOp_Delete_{Delete: &txcpb.KvOp_Delete{Key: key}}}, nil
}

func kvGet(n node) (*txcpb.KvOp, *Error) {
	_, key, bad := kvFields(n)
	if bad != nil {
		return nil, bad
	}
	return &txcpb.KvOp{Op: &txcpb.KvOp_Get_{Get: &txcpb.KvOp_Get{Key: key}}}, nil
}

func kvAdd(n node) (*txcpb.KvOp, *Error) {
	f, key, bad := kvFields(n, "by", "min", "max")
	if bad != nil {
		return nil, bad
	}
	add := &txcpb.KvOp_Add{Key: key}
	by, bad := f.integer("by")
	if bad != nil {
		return nil, bad
	}
	if by == nil {
		return nil, n.bad("", "by is missing: how much to add, negative to take away")
	}
	add.By = *by
	if add.Min, bad = f.integer("min"); bad != nil {
		return nil, bad
	}
	if add.Max, bad = f.integer("max"); bad != nil {
		return nil, bad
	}
	if add.Min != nil && add.Max != nil && *add.Min > *add.Max {
		return nil, n.bad("", fmt.Sprintf("min %d is above max %d", *add.Min, *add.Max))
	}
	return &txcpb.KvOp{Op: &txcpb.KvOp_Add_{Add: add}}, nil
}

func kvCheck(n node) (*txcpb.KvOp, *Error) {
	f, key, bad := kvFields(n, "exists", "value", "value_base64")
	if bad != nil {
		return nil, bad
	}
	check := &txcpb.KvOp_Check{Key: key}
	value, ok, bad := f.bytes("value")
	if bad != nil {
		return nil, bad
	}
	exists, said, bad := f.boolean("exists")
	switch {
	case bad != nil:
		return nil, bad
	case !said && !ok:
		return nil, n.bad("", "nothing to check: say exists, or a value")
	case said && !exists && ok:
		return nil, n.bad("", "a value of a key that must not exist")
	}
	check.Exists = exists || ok
	if ok {
		if bad := kvValue(n, value); bad != nil {
			return nil, bad
		}
		check.Value = value
	}
	return &txcpb.KvOp{Op: &txcpb.KvOp_Check_{Check: check}}, nil
}

// kvFields reads the fields of one operation, and its key.
func kvFields(n node, also ...string) (fields, []byte, *Error) {
	f, bad := n.fields(slices.Concat([]string{"key", "key_base64"}, also)...)
	if bad != nil {
		return nil, nil, bad
	}
	key, ok, bad := f.bytes("key")
	switch {
	case bad != nil:
		return nil, nil, bad
	case !ok:
		return nil, nil, n.bad("", "key is missing")
	case len(key) == 0 || len(key) > maxKvKey:
		return nil, nil, n.bad(txc.CodeTooLarge, "a key of "+strconv.Itoa(len(key))+" bytes: use 1 to "+strconv.Itoa(maxKvKey))
	}
	return f, key, nil
}

func kvValue(n node, value []byte) *Error {
	if len(value) > maxKvValue {
		return n.bad(txc.CodeTooLarge, fmt.Sprintf("a value of %d bytes: at most %d", len(value), maxKvValue))
	}
	return nil
}
