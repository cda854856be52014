package participantd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// config is the file of --config: what flags and environment leave open.
type config struct {
	settings   []setting
	statements map[string]sqlwork.Statement // what only a file can say
	line       int                          // of the statements
}

// said reports whether a flag has a value, or the file has statements, and where that was said.
func (f config) said(c *cli.Context, flag string) (said bool, where string) {
	in := func(line int, key string) (bool, string) {
		return true, fmt.Sprintf("--config %s: line %d: %s", c.String("config"), line, key)
	}
	if flag == keyStatements {
		if f.line > 0 {
			return in(f.line, flag)
		}
		return false, ""
	}
	for _, s := range f.settings {
		if s.flag == flag && s.applied {
			return in(s.line, s.key)
		}
	}
	return c.IsSet(flag), "--" + flag
}

// setting is a flag's value, or values, as the file has them.
type setting struct {
	key, flag string
	line      int
	values    []string
	applied   bool // neither flag nor environment says otherwise
}

// form is what a key's value must be.
type form uint8

const (
	text form = iota
	list
	boolean
	duration
	size
	number
)

// keys of the file, each the flag of that name; statements stand beside them. Examples are in examples/participant/orders.yaml.
var keys = []struct {
	key, flag string
	form      form
}{
	{"name", "name", text}, {"listen", "listen", text}, {"advertise", "advertise", text}, {"coordinators", "coordinator", list},
	{"cluster", "cluster", text}, {"store", "store", text}, {"staging", "staging", text}, {"password_file", "password-file", text},
	{"lock_timeout", "lock-timeout", duration}, {"connections", "connections", number}, {"allow_free_sql", "allow-free-sql", boolean}, {"waive", "waive", list}, {"min_free", "min-free", size},
	{"drain", "drain", duration}, {"log_level", "log-level", text}, {"log_format", "log-format", text},
}

const keyStatements = "statements"

// Bounds of the file.
const (
	maxConfig     = 64 << 10
	maxStatements = 1000
)

// applyConfig sets the flags that neither the command line nor the environment has set.
func applyConfig(c *cli.Context) (config, error) {
	path := c.String("config")
	if path == "" {
		return config{}, nil
	}
	data, err := readConfig(path)
	if err != nil {
		return config{}, err
	}
	f, err := parseConfig(data)
	if err != nil {
		var at *misplaced
		if errors.As(err, &at) && at.hint != "" {
			return f, console.BadInput("--config %s: %v", path, err).With(at.hint)
		}
		return f, console.BadInput("--config %s: %v", path, err).With("see examples/participant/orders.yaml")
	}
	for i, s := range f.settings {
		if c.IsSet(s.flag) {
			continue
		}
		f.settings[i].applied = true
		for _, v := range s.values {
			if err := c.Set(s.flag, v); err != nil {
				return f, console.BadInput("--config %s: line %d: %s: %v", path, s.line, s.key, err)
			}
		}
	}
	return f, nil
}

func readConfig(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, console.BadInput("--config: %v", err).With("name a YAML file")
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > maxConfig {
		return nil, console.BadInput("--config %s has more than %d bytes", path, maxConfig)
	}
	return data, nil
}

// misplaced is an error with its place.
type misplaced struct {
	line            int
	key, text, hint string
}

func (e *misplaced) Error() string {
	if e.key == "" {
		return fmt.Sprintf("line %d: %s", e.line, e.text)
	}
	return fmt.Sprintf("line %d: %s: %s", e.line, e.key, e.text)
}

func wrong(n *yaml.Node, key, hint, format string, args ...any) error {
	return &misplaced{max(n.Line, 1), key, fmt.Sprintf(format, args...), hint}
}

// parseConfig reads the file. Every error but that of its very form says the line and the key.
func parseConfig(data []byte) (f config, err error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, other yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return f, nil // nothing is said: that is fine
	case err != nil:
		return f, errors.New(strings.ReplaceAll(console.OneLine(err.Error()), "yaml: ", ""))
	}
	if err := d.Decode(&other); !errors.Is(err, io.EOF) {
		return f, errors.New("a second document, or something behind the first: use one")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return f, nil
	}
	err = pairs(root, "", func(key string, at, value *yaml.Node) error {
		if key == keyStatements {
			f.line = at.Line
			f.statements, err = statements(value)
			return err
		}
		for _, k := range keys {
			if k.key != key {
				continue
			}
			values, err := k.form.values(key, value)
			f.settings = append(f.settings, setting{key: key, flag: k.flag, line: value.Line, values: values})
			return err
		}
		all := []string{}
		for _, k := range keys {
			all = append(all, k.key)
		}
		return wrong(at, key, "use the keys "+strings.Join(append(all, keyStatements), ", "), "unknown key")
	})
	return f, err
}

// pairs goes over a mapping. A key that stands twice is an error.
func pairs(n *yaml.Node, key string, each func(key string, at, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return wrong(n, key, "", "not a mapping of keys to values")
	}
	var seen []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		at := n.Content[i]
		name := console.OneLine(strconv.Quote(at.Value))
		name = name[1 : len(name)-1]
		if at.Kind != yaml.ScalarNode {
			return wrong(at, key, "", "a key that is no text")
		}
		if slices.Contains(seen, name) {
			return wrong(at, name, "", "said twice")
		}
		seen = append(seen, name)
		if err := each(name, at, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// values reads a value of this form.
func (f form) values(key string, n *yaml.Node) ([]string, error) {
	if f == list {
		if n.Kind != yaml.SequenceNode {
			return nil, wrong(n, key, "", "not a list")
		}
		all := make([]string, 0, len(n.Content))
		for _, item := range n.Content {
			one, err := text.values(key, item)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		return nil, wrong(n, key, "", "not a value")
	}
	switch f {
	case text:
		if n.Tag != "!!str" && n.Tag != "!!int" && n.Tag != "!!float" { // a name of digits is text all the same
			return nil, wrong(n, key, "", "not a text")
		}
	case boolean:
		if n.Tag != "!!bool" {
			return nil, wrong(n, key, "", "neither true nor false")
		}
	case duration:
		if d, err := time.ParseDuration(n.Value); err != nil || d <= 0 {
			return nil, wrong(n, key, "", "not a duration above zero, such as 500ms or 2s")
		}
	case size:
		if _, err := console.ParseSize(key, n.Value); err != nil {
			return nil, wrong(n, key, "", "not a size, such as 512MiB")
		}
	case number:
		if v, err := strconv.Atoi(n.Value); err != nil || v <= 0 {
			return nil, wrong(n, key, "", "not a whole number above zero")
		}
	case list: // above
	}
	return []string{n.Value}, nil
}

// statements are what clients call by their names.
func statements(n *yaml.Node) (map[string]sqlwork.Statement, error) {
	all := map[string]sqlwork.Statement{}
	err := pairs(n, keyStatements, func(name string, _, value *yaml.Node) error {
		key := keyStatements + "." + name
		var s sqlwork.Statement
		err := pairs(value, key, func(field string, at, value *yaml.Node) error {
			var err error
			var said []string
			switch path := key + "." + field; field {
			case "text":
				if said, err = text.values(path, value); err == nil {
					s.Text = said[0]
				}
			case "query":
				if said, err = boolean.values(path, value); err == nil {
					s.Query = strings.EqualFold(said[0], "true")
				}
			default:
				err = wrong(at, path, "use the keys text, query", "unknown key")
			}
			return err
		})
		if err == nil && s.Text == "" {
			err = wrong(value, key, "", "a statement without its text")
		}
		if len(all) == maxStatements {
			return wrong(value, key, "", "more than %d statements", maxStatements)
		}
		all[name] = s
		return err
	})
	return all, err
}
