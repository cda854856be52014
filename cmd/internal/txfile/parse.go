package txfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth is how deep a file may nest; the deepest that means something is seven.
const maxDepth = 16

// parse makes a tree of one document without aliases and tags.
func parse(data []byte) (*yaml.Node, *Error) {
	if json.Valid(data) {
		// A tab of valid JSON stands between tokens, never in text; YAML takes no tabs there.
		data = literal(bytes.ReplaceAll(data, []byte("\t"), []byte(" ")))
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, yamlError(err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, yamlError(err)
		}
		return nil, &Error{Line: max(more.Line, 1), Text: "a second document: one file is one transaction"}
	}
	if len(doc.Content) != 1 {
		return nil, &Error{Line: 1, Text: "the file is empty"}
	}
	if bad := plain(doc.Content[0], 0); bad != nil {
		return nil, bad
	}
	return doc.Content[0], nil
}

// plain refuses what would let a file say something in two ways, or grow when it is read.
func plain(n *yaml.Node, depth int) *Error {
	at := node{n, ""}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return at.bad("", "anchors and aliases are not taken here: write it out")
	case n.Style&yaml.TaggedStyle != 0:
		return at.bad("", "tags are not taken here: "+printable(n.Tag))
	case depth > maxDepth:
		return at.bad("", "nested too deep")
	}
	for _, c := range n.Content {
		if bad := plain(c, depth+1); bad != nil {
			return bad
		}
	}
	return nil
}

var yamlLine = regexp.MustCompile(`line (\d+): ?`)

// yamlError puts the parser's words into one line.
func yamlError(err error) *Error {
	if errors.Is(err, io.EOF) {
		return &Error{Line: 1, Text: "the file is empty"}
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
		if n, err := strconv.Atoi(text[m[2]:m[3]]); err == nil {
			line = n
		}
		text = text[:m[0]] + text[m[1]:]
	}
	return &Error{Line: line, Text: "not YAML: " + printableLine(text)}
}

func printableLine(s string) string {
	q := strconv.Quote(strings.Join(strings.Fields(s), " "))
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

var foreign = regexp.MustCompile(`\\(?:\\|/|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})`)

// literal writes as themselves what JSON may escape and YAML may not: a slash, and characters outside the basic plane,
// which JSON writes as two halves.
func literal(data []byte) []byte {
	return foreign.ReplaceAllFunc(data, func(m []byte) []byte {
		var s string
		if string(m) == `\\` || json.Unmarshal([]byte(`"`+string(m)+`"`), &s) != nil {
			return m
		}
		return []byte(s)
	})
}
