package txfile

import (
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

// MaxFile is the most bytes that a file may have: the largest transaction, written in base64 and with room to spare.
const MaxFile = 4 << 20

// Tx is what a file says. Absent fields are zero.
type Tx struct {
	Timeout  time.Duration
	Key      string
	Labels   map[string]string
	Wait     *txcpb.Wait // nil: not said
	Branches []Branch
}

// Branch is one participant's part.
type Branch struct {
	Participant string
	Work        []byte // a serialized txc.v1.Work, at most txc.MaxWork bytes
}

// Error says where a file is wrong. It wraps txc.ErrInvalid.
type Error struct {
	File string   // as the caller named it
	Line int      // from 1
	Path string   // for example branches[0].kv[2].add.by; empty: the whole
	Code txc.Code // empty: no code of the wire fits
	Text string
}

// Error is "file:line: path: text".
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d: ", e.File, e.Line)
	if e.Path != "" {
		s += e.Path + ": "
	}
	return s + e.Text
}

// Unwrap gives txc.ErrInvalid.
func (e *Error) Unwrap() error { return txc.ErrInvalid }

// Read reads a whole file; name stands in its errors, which are *Error but for those of reading itself.
func Read(name string, r io.Reader) (Tx, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return Tx{}, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > MaxFile {
		return Tx{}, &Error{File: name, Line: 1, Code: txc.CodeTooLarge, Text: fmt.Sprintf("the file has more than %d bytes", MaxFile)}
	}
	root, bad := parse(data)
	if bad == nil {
		var tx Tx
		if tx, bad = readTx(node{root, ""}); bad == nil {
			return tx, nil
		}
	}
	bad.File = name
	return Tx{}, bad
}

// Ops reads the operations of one branch as text: a list of key-value operations, a single one, or a mapping with one
// of kv, sql, redis, publish and call. The result is a serialized txc.v1.Work; name stands in errors.
func Ops(name, text string) ([]byte, error) {
	root, bad := parse([]byte(text))
	if bad == nil {
		var work []byte
		if work, bad = opsWork(node{root, ""}); bad == nil {
			return work, nil
		}
	}
	bad.File = name
	return nil, bad
}

func readTx(n node) (Tx, *Error) {
	var tx Tx
	f, bad := n.fields("timeout", "key", "labels", "wait", "branches")
	if bad != nil {
		return tx, bad
	}
	branches, ok := f.get("branches")
	if !ok {
		return tx, n.bad("", "branches is missing: name at least one participant and its operations")
	}
	steps := []func() *Error{
		func() *Error {
			return f.each("timeout", func(n node) (bad *Error) { tx.Timeout, bad = timeout(n); return })
		},
		func() *Error { return f.each("key", func(n node) (bad *Error) { tx.Key, bad = key(n); return }) },
		func() *Error {
			return f.each("labels", func(n node) (bad *Error) { tx.Labels, bad = labels(n); return })
		},
		func() *Error { return f.each("wait", func(n node) (bad *Error) { tx.Wait, bad = wait(n); return }) },
		func() (bad *Error) { tx.Branches, bad = readBranches(branches); return },
	}
	for _, step := range steps {
		if bad := step(); bad != nil {
			return Tx{}, bad
		}
	}
	return tx, nil
}

func timeout(n node) (time.Duration, *Error) {
	s, bad := n.text()
	if bad != nil {
		return 0, bad
	}
	d, err := CheckTimeout(s)
	if err != nil {
		return 0, n.bad(txc.CodeBadTimeout, err.Error())
	}
	return d, nil
}

// CheckTimeout reads a transaction's timeout: a Go duration above zero, at most txc.MaxTimeout.
func CheckTimeout(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && s != "0":
		return 0, fmt.Errorf("%q is not a duration: write 3s, 500ms or 1m30s", s)
	case d <= 0:
		return 0, fmt.Errorf("a timeout of %s: use more than zero, or leave it out for the coordinator's default", s)
	case d > txc.MaxTimeout:
		return 0, fmt.Errorf("a timeout of %s: at most %v", s, txc.MaxTimeout)
	}
	return d, nil
}

func key(n node) (string, *Error) {
	s, bad := n.text()
	if bad != nil {
		return "", bad
	}
	if err := CheckKey(s); err != nil {
		return "", n.bad("", err.Error())
	}
	return s, nil
}

// CheckKey reports whether s can be an idempotency key.
func CheckKey(s string) error {
	if s == "" || len(s) > txc.MaxKey || !utf8.ValidString(s) {
		return fmt.Errorf("a key of %d bytes: use 1 to %d bytes of UTF-8", len(s), txc.MaxKey)
	}
	return nil
}

func wait(n node) (*txcpb.Wait, *Error) {
	s, bad := n.text()
	if bad != nil {
		return nil, bad
	}
	w, err := CheckWait(s)
	if err != nil {
		return nil, n.bad("", err.Error())
	}
	return &w, nil
}

// CheckWait reads "applied" or "decided".
func CheckWait(s string) (txcpb.Wait, error) {
	switch s {
	case "applied":
		return txcpb.Wait_APPLIED, nil
	case "decided":
		return txcpb.Wait_DECIDED, nil
	}
	return 0, fmt.Errorf("wait %q: use applied or decided", s)
}

func labels(n node) (map[string]string, *Error) {
	if n.Kind != yaml.MappingNode {
		return nil, n.bad("", "labels are a mapping of names to text")
	}
	m := make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		child := node{n.Content[i+1], join(n.path, name)}
		if _, twice := m[name]; twice {
			return nil, node{n.Content[i], child.path}.bad("", "said twice")
		}
		value, bad := child.text()
		if bad != nil {
			return nil, bad
		}
		if err := CheckLabel(name, value); err != nil {
			return nil, child.bad("", err.Error())
		}
		m[name] = value
	}
	if len(m) > txc.MaxLabels {
		return nil, n.bad("", fmt.Sprintf("%d labels: at most %d", len(m), txc.MaxLabels))
	}
	return m, nil
}

// maxLabelName is the most bytes of a label's name.
const maxLabelName = 32

// CheckLabel reports whether name and value can be a label.
func CheckLabel(name, value string) error {
	ok := len(name) >= 1 && len(name) <= maxLabelName
	for _, c := range []byte(name) {
		ok = ok && ('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-')
	}
	if !ok {
		return fmt.Errorf("label name %q: use 1 to %d of a-z, 0-9, _ . -", name, maxLabelName)
	}
	if len(value) > txc.MaxLabelValue || !utf8.ValidString(value) {
		return fmt.Errorf("a label value of %d bytes: at most %d bytes of UTF-8", len(value), txc.MaxLabelValue)
	}
	return nil
}
