package nats_test

import (
	"strings"
	"testing"

	"github.com/txc-dev/txc/participant/nats"
)

func TestPatterns(t *testing.T) {
	for _, row := range []struct {
		pattern, subject string
		want             bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a", false}, {"a", "a.b", false}, {"a.*", "a.b", true}, {"a.*", "a", false}, {"a.*", "a.b.c", false},
		{"*.b", "a.b", true}, {">", "a.b", true}, {"a.>", "a.b.c", true}, {"a.>", "a", false}, {"a.>", "b.a", false}, {"", "a", false},
	} {
		if got := nats.Matches(row.pattern, row.subject); got != row.want {
			t.Errorf("%q matches %q: %v", row.pattern, row.subject, got)
		}
	}
}

// A user alone in an address would be taken for a token by the client: with a password that comes apart it is taken out.
func TestAddresses(t *testing.T) {
	for _, row := range []struct {
		given string
		apart bool
		want  string
		user  string
	}{
		{"nats://ann@h:4222", true, "nats://h:4222", "ann"},
		{"nats://ann@h:4222", false, "nats://ann@h:4222", "ann"},
		{"tls://ann@a:1, tls://ann@b:2", true, "tls://a:1,tls://b:2", "ann"},
		{"nats://ann:pw@h", false, "nats://ann:pw@h", "ann"},
	} {
		got, user, err := nats.Address(row.given, row.apart)
		if err != nil || got != row.want || user != row.user {
			t.Errorf("%s: %s, %s, %v", row.given, got, user, err)
		}
	}
	for _, bad := range []string{"", "h:4222", "http://h", "nats://", "nats://a:secret@h:port"} {
		if _, _, err := nats.Address(bad, true); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzPermissions: what a server says of a user is either read as lists, or says nothing: never as "everything".
func FuzzPermissions(f *testing.F) {
	f.Add([]byte(`{"data":{"user":"app","permissions":{"publish":{"allow":["a.>"],"deny":["a.b"]}}}}`))
	f.Add([]byte(`{"error":{"code":503}}`))
	f.Add([]byte(`{"data":{"user":"app"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		known, allow, deny := nats.ParsePermissions(data)
		if !known && len(allow)+len(deny) > 0 {
			t.Fatalf("%q: lists of nobody: %q %q", data, allow, deny)
		}
		if known && !strings.Contains(string(data), `"`) {
			t.Fatalf("%q was taken", data)
		}
		for _, pattern := range append(allow, deny...) {
			nats.Matches(pattern, "a.b")
		}
	})
}
