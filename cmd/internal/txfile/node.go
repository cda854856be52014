package txfile

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/txc-dev/txc"
)

// node is a place in the file, and the way there.
type node struct {
	*yaml.Node
	path string
}

func (n node) bad(code txc.Code, text string) *Error {
	return &Error{Line: max(n.Line, 1), Path: n.path, Code: code, Text: text}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// items gives the elements of a list.
func (n node) items() []node {
	items := make([]node, len(n.Content))
	for i, c := range n.Content {
		items[i] = node{c, n.path + "[" + strconv.Itoa(i) + "]"}
	}
	return items
}

// fields are the entries of a mapping, by name.
type fields map[string]node

// fields takes a mapping apart; a key that is not one of names, or stands there twice, is an error.
func (n node) fields(names ...string) (fields, *Error) {
	if n.Kind != yaml.MappingNode {
		return nil, n.bad("", "not a mapping; its keys would be: "+strings.Join(names, ", "))
	}
	f := make(fields, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		child := node{n.Content[i+1], join(n.path, printable(name))}
		at := node{n.Content[i], child.path}
		if n.Content[i].Kind != yaml.ScalarNode || !slices.Contains(names, name) {
			return nil, at.bad("", "unknown key; use one of: "+strings.Join(names, ", "))
		}
		if _, twice := f[name]; twice {
			return nil, at.bad("", "said twice")
		}
		f[name] = child
	}
	return f, nil
}

// maxShown is the most of a stranger's text that an error shows.
const maxShown = 40

// printable is text that fits into one line of an error.
func printable(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

func (f fields) get(name string) (node, bool) {
	n, ok := f[name]
	return n, ok
}

// each calls do if the field is there.
func (f fields) each(name string, do func(node) *Error) *Error {
	if n, ok := f[name]; ok {
		return do(n)
	}
	return nil
}

// optional is the field's text, or nothing.
func (f fields) optional(name string) (string, *Error) {
	if n, ok := f[name]; ok {
		return n.text()
	}
	return "", nil
}

// bytes is the field's text, or what name_base64 holds.
func (f fields) bytes(name string) ([]byte, bool, *Error) {
	plain, ok := f[name]
	coded, okCoded := f[name+"_base64"]
	switch {
	case ok && okCoded:
		return nil, false, coded.bad("", "both "+name+" and "+name+"_base64")
	case ok:
		s, bad := plain.text()
		return []byte(s), true, bad
	case okCoded:
		data, bad := coded.base64()
		return data, true, bad
	}
	return nil, false, nil
}

func (f fields) integer(name string) (*int64, *Error) {
	n, ok := f[name]
	if !ok {
		return nil, nil
	}
	i, bad := n.integer()
	return &i, bad
}

func (f fields) boolean(name string) (value, said bool, bad *Error) {
	n, ok := f[name]
	if !ok {
		return false, false, nil
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Value == "true":
		return true, true, nil
	case n.Kind == yaml.ScalarNode && n.Value == "false":
		return false, true, nil
	}
	return false, true, n.bad("", "use true or false")
}

// text is a scalar as it is written.
func (n node) text() (string, *Error) {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", n.bad("", "not text")
	case n.ShortTag() == "!!null":
		return "", n.bad("", "empty; write \"\" or \"null\" if that is meant")
	case !utf8.ValidString(n.Value):
		return "", n.bad("", "not UTF-8; use base64")
	}
	return n.Value, nil
}

func (n node) integer() (int64, *Error) {
	s, bad := n.text()
	if bad != nil {
		return 0, bad
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, n.bad("", fmt.Sprintf("%q is not a whole number of 64 bits", printable(s)))
	}
	return i, nil
}

func (n node) base64() ([]byte, *Error) {
	s, bad := n.text()
	if bad != nil {
		return nil, bad
	}
	data, err := base64.StdEncoding.DecodeString(strings.Map(dropBlank, s))
	if err != nil {
		return nil, n.bad("", "not base64 (standard alphabet, with padding)")
	}
	return data, nil
}

func dropBlank(r rune) rune {
	if r == ' ' || r == '\n' || r == '\t' {
		return -1
	}
	return r
}

func (n node) textMap() (map[string]string, *Error) {
	if n.Kind != yaml.MappingNode {
		return nil, n.bad("", "a mapping of names to text")
	}
	m := make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		child := node{n.Content[i+1], join(n.path, printable(name))}
		if _, twice := m[name]; twice || !utf8.ValidString(name) || n.Content[i].Kind != yaml.ScalarNode {
			return nil, node{n.Content[i], child.path}.bad("", "said twice, or not text")
		}
		s, bad := child.text()
		if bad != nil {
			return nil, bad
		}
		m[name] = s
	}
	return m, nil
}
