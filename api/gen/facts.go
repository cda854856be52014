package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// facts lists all that a peer built from txc.proto relies on, one fact a line, sorted: fields with number, type and
// cardinality, enum values, methods. What was published once may be added to, never changed.
func facts(file protoreflect.FileDescriptor) []string {
	var all []string
	add := func(format string, a ...any) { all = append(all, fmt.Sprintf(format, a...)) }
	var message func(m protoreflect.MessageDescriptor)
	message = func(m protoreflect.MessageDescriptor) {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			add("field %s %d %s", f.FullName(), f.Number(), fieldType(f))
		}
		for i := range m.Messages().Len() {
			message(m.Messages().Get(i))
		}
	}
	for i := range file.Messages().Len() {
		message(file.Messages().Get(i))
	}
	for i := range file.Enums().Len() {
		e := file.Enums().Get(i)
		for j := range e.Values().Len() {
			add("value %s.%s %d", e.FullName(), e.Values().Get(j).Name(), e.Values().Get(j).Number())
		}
	}
	for i := range file.Services().Len() {
		s := file.Services().Get(i)
		for j := range s.Methods().Len() {
			m := s.Methods().Get(j)
			add("method %s %s%s %s%s", m.FullName(), stream(m.IsStreamingClient()), m.Input().FullName(), stream(m.IsStreamingServer()), m.Output().FullName())
		}
	}
	slices.Sort(all)
	return all
}

func fieldType(f protoreflect.FieldDescriptor) string {
	t := f.Kind().String()
	switch {
	case f.IsMap():
		t = fmt.Sprintf("map %s %s", f.MapKey().Kind(), f.MapValue().Kind())
	case f.Message() != nil:
		t = string(f.Message().FullName())
	case f.Enum() != nil:
		t = string(f.Enum().FullName())
	}
	if f.IsList() {
		t = "repeated " + t
	}
	return t
}

func stream(yes bool) string {
	if yes {
		return "stream "
	}
	return ""
}

// publish compares the facts with those published before. A lost fact is an error; new ones are written down, or with
// check reported.
func publish(now []string, path string, check bool) error {
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	var errs []error
	for old := range strings.Lines(string(text)) {
		if old = strings.TrimSpace(old); !slices.Contains(now, old) {
			errs = append(errs, fmt.Errorf("published once and gone: %s", old))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	list := strings.Join(now, "\n") + "\n"
	switch {
	case list == string(text):
		return nil
	case check:
		return fmt.Errorf("%s does not hold what is new in %s: run `go generate ./api`", path, *source)
	}
	return os.WriteFile(path, []byte(list), 0o644)
}
