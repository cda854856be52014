package stores_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	natsio "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/nats"
	"github.com/txc-dev/txc/participant/resourcetest"
	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/participant/staged/once"
	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// streams is a connection of somebody who has nothing to do with us.
func streams(t testing.TB, s *servers.NATSServer) jetstream.JetStream {
	t.Helper()
	c, err := natsio.Connect(s.URL(), natsio.MaxReconnects(-1), natsio.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// addStream makes a stream that takes NAME and NAME.>.
func addStream(t testing.TB, js jetstream.JetStream, c jetstream.StreamConfig) {
	t.Helper()
	c.Subjects = []string{c.Name, c.Name + ".>"}
	if _, err := js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// stored is all that a stream holds, in its order.
func stored(ctx context.Context, js jetstream.JetStream, name string) ([]*jetstream.RawStreamMsg, error) {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []*jetstream.RawStreamMsg
	of := s.CachedInfo().State
	for n := max(of.FirstSeq, 1); n <= of.LastSeq; n++ {
		m, err := s.GetMsg(ctx, n)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func bodies(t testing.TB, js jetstream.JetStream, name string) []string {
	t.Helper()
	all, err := stored(t.Context(), js, name)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{}
	for _, m := range all {
		texts = append(texts, string(m.Data))
	}
	return texts
}

func messages(all ...*txcpb.Publication) []byte {
	data, err := proto.Marshal(&txcpb.Work{Kind: &txcpb.Work_Publish{Publish: &txcpb.PublishWork{Messages: all}}})
	if err != nil {
		panic(err)
	}
	return data
}

func to(subject, body string) *txcpb.Publication {
	return &txcpb.Publication{To: subject, Body: []byte(body)}
}

func openNATS(t testing.TB, s *servers.NATSServer, dir, name string) *staged.Store {
	t.Helper()
	r, err := nats.Open(t.Context(), s.Store(), dir, nats.Options{Cluster: "test", Name: name, Password: servers.Password, Ballast: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// All cases share one server, each as a participant and a stream of its own.
func TestNATSResource(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t)
	js := streams(t, server)
	var n atomic.Int64
	resourcetest.Run(t, func(t *testing.T) *resourcetest.Store {
		name, dir := fmt.Sprintf("events%d", n.Add(1)), t.TempDir()
		addStream(t, js, jetstream.StreamConfig{Name: name})
		return &resourcetest.Store{
			Cluster: "test", Participant: name, Broken: []byte("no work"),
			Open: func() (participant.Resource, error) {
				return nats.Open(t.Context(), server.Store(), dir, nats.Options{Cluster: "test", Name: name, Password: servers.Password, Ballast: -1, MinFree: 1})
			},
			Write:  func(key, value string) []byte { return messages(to(name+"."+key, value)) },
			Refuse: func(key string) []byte { return messages(to(name+"."+key, "v"), to("nowhere."+key, "v")) },
			Value: func(_ participant.Resource, key string) (string, bool, error) {
				s, err := js.Stream(t.Context(), name)
				if err != nil {
					return "", false, err
				}
				m, err := s.GetLastMsgForSubject(t.Context(), name+"."+key)
				if errors.Is(err, jetstream.ErrMsgNotFound) {
					return "", false, nil
				}
				if err != nil {
					return "", false, err
				}
				return string(m.Data), true, nil
			},
		}
	})
}

func eventBranch(name string, n uint64) participant.Branch {
	return participant.Branch{
		ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: n}, Mark: 7, Cluster: "test", Participant: name, Members: []string{name, "bank"},
		Seen: participant.Seen{Coordinator: 1, Epoch: 1, Mark: 7, LSN: n},
	}
}

func yes(t testing.TB, s participant.Resource, b participant.Branch, all ...*txcpb.Publication) []byte {
	t.Helper()
	p, err := s.Prepare(t.Context(), b, messages(all...), false)
	if err != nil || p.Vote != txc.Yes {
		t.Fatalf("%s: vote %v %v, %v", b.ID, p.Vote, p.Reason, err)
	}
	return p.Evidence
}

// What a stream would not take, or would lose, is a No at Prepare.
func TestNATSValidates(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t, natsDenying("secret.*.x"), "max_payload: 100000")
	js := streams(t, server)
	for _, c := range []jetstream.StreamConfig{
		{Name: "good"}, {Name: "secret"}, {Name: "small", MaxMsgSize: 300}, {Name: "volatile", Storage: jetstream.MemoryStorage},
		{Name: "mute", NoAck: true}, {Name: "lazy", PersistMode: jetstream.AsyncPersistMode}, {Name: "sealed"},
		{Name: "counted", AllowMsgCounter: true},
	} {
		addStream(t, js, c)
	}
	if _, err := js.UpdateStream(t.Context(), jetstream.StreamConfig{Name: "sealed", Subjects: []string{"sealed", "sealed.>"}, Sealed: true}); err != nil {
		t.Fatal(err)
	}
	s := openNATS(t, server, t.TempDir(), "events")
	rows := map[string]struct {
		p    *txcpb.Publication
		code txc.Code // "": yes
	}{
		"a stream that keeps what it takes":    {to("good.a", "m"), ""},
		"all that a message can say":           {&txcpb.Publication{To: "good.a", Headers: map[string]string{"type": "t"}, ContentType: "text/plain", Body: []byte{0}}, ""},
		"no stream":                            {to("nowhere", "m"), txc.CodeRefused},
		"a wildcard":                           {to("good.*", "m"), txc.CodeBadWork},
		"all the rest":                         {to("good.>", "m"), txc.CodeBadWork},
		"an empty word":                        {to("good..a", "m"), txc.CodeBadWork},
		"a space":                              {to("good.a b", "m"), txc.CodeBadWork},
		"the server's own subjects":            {to("$JS.API.STREAM.DELETE.good", ""), txc.CodeBadWork},
		"a header of the server's":             {&txcpb.Publication{To: "good", Headers: map[string]string{"nats-rollup": "all"}}, txc.CodeBadWork},
		"as large as the stream takes":         {to("small", strings.Repeat("x", 300-headers("events", 10))), ""},
		"larger than the stream takes":         {to("small", strings.Repeat("x", 301-headers("events", 10))), txc.CodeRefused},
		"larger than the server takes":         {to("good", strings.Repeat("x", 100_000)), txc.CodeRefused},
		"storage memory":                       {to("volatile", "m"), txc.CodeStore},
		"no acknowledgements":                  {to("mute", "m"), txc.CodeStore},
		"acknowledged before it is written":    {to("lazy", "m"), txc.CodeStore},
		"a sealed stream":                      {to("sealed", "m"), txc.CodeStore},
		"a stream of counters":                 {to("counted.a", "m"), txc.CodeStore},
		"what the user may not publish to":     {to("secret.a.x", "m"), txc.CodeRefused},
		"what the user may publish to":         {to("secret.a.y", "m"), ""},
		"a subject of a longer, denied prefix": {to("secret.a.x.b", "m"), ""},
	}
	n := uint64(10)
	for says, row := range rows {
		b := eventBranch("events", n)
		n++ // two digits each: a name of the same length
		p, err := s.Prepare(t.Context(), b, messages(row.p), false)
		if err != nil || (p.Vote == txc.Yes) != (row.code == "") || p.Reason.Code != row.code || p.Reason.Retryable {
			t.Errorf("%s: %v %v, %v", says, p.Vote, p.Reason, err)
			continue
		}
		if p.Vote == txc.Yes { // and what Prepare took, the server takes
			if f, err := s.Commit(t.Context(), b, p.Evidence); err != nil || f != txc.CommittedNow {
				t.Errorf("%s: commit: %v, %v", says, f, err)
			}
		}
	}
	all, err := stored(t.Context(), js, "good")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(m *jetstream.RawStreamMsg) bool {
		return m.Header.Get("type") == "t" && m.Header.Get("Content-Type") == "text/plain" && m.Header.Get(once.Header) == m.Header.Get("Nats-Msg-Id") && m.Header.Get(once.Header) != ""
	}) {
		t.Errorf("no message has all of its headers: %v", all)
	}
}

// headers is how many bytes of a message are not its body.
func headers(name string, n uint64) int {
	id := eventBranch(name, n).Name() + "/0"
	return len("NATS/1.0\r\n" + "Nats-Msg-Id: " + id + "\r\n" + "Txc-Msg-Id: " + id + "\r\n\r\n")
}

// A crash between the publication and its mark publishes again: once in the stream inside the duplicate window, twice after
// it, and the consumer's memory drops the second.
func TestNATSPublishedAndNotMarked(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t)
	js := streams(t, server)
	const window = 100 * time.Millisecond // the shortest that a server takes
	addStream(t, js, jetstream.StreamConfig{Name: "long", Duplicates: time.Minute})
	addStream(t, js, jetstream.StreamConfig{Name: "short", Duplicates: window})
	for name, want := range map[string][]string{"long": {"1", "2"}, "short": {"1", "2", "1", "2"}} {
		t.Run(name, func(t *testing.T) {
			dir, before := t.TempDir(), t.TempDir()
			b := eventBranch(name, 1)
			s := openNATS(t, server, dir, name)
			evidence := yes(t, s, b, to(name+".a", "1"), to(name+".b", "2"))
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(filepath.Join(before, "copy"), os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			for _, from := range []string{dir, filepath.Join(before, "copy")} { // the second has not heard of the first
				s := openNATS(t, server, from, name)
				if f, err := s.Commit(t.Context(), b, evidence); err != nil || f != txc.CommittedNow {
					t.Fatal(f, err)
				}
				if name == "short" {
					<-time.After(3 * window) // the server's own clock is what is waited for
				}
			}
			if got := bodies(t, js, name); !slices.Equal(got, want) {
				t.Fatalf("%q in the stream, want %q", got, want)
			}
			all, err := stored(t.Context(), js, name)
			if err != nil {
				t.Fatal(err)
			}
			memory, effects := once.NewWindow(10), []string{}
			for _, m := range all {
				if _, err := once.Do(t.Context(), memory, m.Header.Get(once.Header), func() error { effects = append(effects, string(m.Data)); return nil }); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(effects, []string{"1", "2"}) {
				t.Fatalf("effects %q", effects)
			}
		})
	}
}

// What a client can see of a server's settings is found, and what it cannot see is said.
func TestNATSFindings(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t)
	js := streams(t, server)
	good := jetstream.StreamConfig{Name: "good", Duplicates: time.Hour, Discard: jetstream.DiscardNew, Replicas: 1}
	addStream(t, js, good)
	s := openNATS(t, server, t.TempDir(), "events")
	always := []string{"nats-one-replica info", "nats-sync-unseen info"}
	check := func() []string {
		t.Helper()
		r, err := s.Check(t.Context())
		if err != nil || r.Kind != "nats" || r.Version != "2.15.2" {
			t.Fatalf("%+v, %v", r, err)
		}
		var all []string
		for _, f := range r.Findings {
			if len(f.Text) < 20 {
				t.Errorf("%+v", f)
			}
			all = append(all, f.Name+" "+f.Severity)
		}
		slices.Sort(all)
		return all
	}
	if got := check(); !slices.Equal(got, always) {
		t.Fatalf("with good settings: %q", got)
	}
	for want, change := range map[string]func(c *jetstream.StreamConfig){
		"nats-not-durable warn":  func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"nats-short-window warn": func(c *jetstream.StreamConfig) { c.Duplicates = 0 }, // the server's default
		"nats-drops-old warn":    func(c *jetstream.StreamConfig) { c.Discard, c.MaxMsgs = jetstream.DiscardOld, 10 },
		"nats-may-be-full warn":  func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 },
		"nats-interest warn":     func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
		"nats-max-age info":      func(c *jetstream.StreamConfig) { c.MaxAge = 2 * time.Hour },
	} {
		c := good
		c.Name = "other"
		change(&c)
		addStream(t, js, c)
		if got := check(); !slices.Equal(got, slices.Sorted(slices.Values(append([]string{want}, always...)))) {
			t.Errorf("want %s: %q", want, got)
		}
		if err := js.DeleteStream(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
	}
}

// A server without JetStream is no place for messages.
func TestNATSWithoutJetStream(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t, "authorization: {}", fmt.Sprintf(`accounts: {main: {jetstream: enabled, users: [{user: %s, password: %q}]}, plain: {users: [{user: plain, password: %[2]q}]}}`, servers.NATSUser, servers.Password))
	r, err := nats.Open(t.Context(), "nats://plain@"+server.Address, t.TempDir(), nats.Options{Cluster: "test", Name: "events", Password: servers.Password, Ballast: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(context.Background())
	p, err := r.Prepare(t.Context(), eventBranch("events", 1), messages(to("a", "m")), false)
	if err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeStore {
		t.Errorf("vote %v %v, %v", p.Vote, p.Reason, err)
	}
	c, err := r.Check(t.Context())
	if err != nil || !slices.ContainsFunc(c.Findings, func(f participant.Finding) bool { return f.Name == "nats-no-jetstream" && f.Severity == "refuse" }) {
		t.Errorf("%+v, %v", c, err)
	}
}

// A password is neither taken from the command line nor ever shown; a wrong one is an error at once.
func TestNATSPasswords(t *testing.T) {
	server := servers.NATS(t)
	demo := procs.Binary(t, "participant-demo")
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NATS_PASSWORD", "hunter2")
	for says, row := range map[string]struct {
		args []string
		code int
		says string
	}{
		"spelled out: refused":                  {[]string{"--store", "nats://a:hunter2@h:1"}, 2, "NATS_PASSWORD"},
		"spelled out of a second one: refused":  {[]string{"--store", "nats://a@h:1,nats://b:hunter2@h:2"}, 2, "NATS_PASSWORD"},
		"a wrong one in a file":                 {[]string{"--store", server.Store(), "--password-file", wrong, "--staging", t.TempDir()}, 1, "Authorization Violation"},
		"a wrong one in the environment":        {[]string{"--store", server.Store(), "--staging", t.TempDir()}, 1, "Authorization Violation"},
		"no directory for promises":             {[]string{"--store", server.Store()}, 2, "--staging"},
		"a directory that a database needs not": {[]string{"--store", "postgres://a@h/d", "--staging", "x"}, 2, "--staging"},
	} {
		t.Run(says, func(t *testing.T) {
			r := procs.RunContext(t.Context(), demo, "", append([]string{"--name", "events", "--coordinator", "127.0.0.1:1", "--log-level", "debug"}, row.args...)...)
			if all := r.Stdout + r.Stderr; r.Code != row.code || !strings.Contains(all, row.says) || strings.Contains(all, "hunter2") {
				t.Errorf("code %d: %s", r.Code, all)
			}
		})
	}
}
