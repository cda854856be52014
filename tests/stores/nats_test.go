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
	for n := of.FirstSeq; n <= of.LastSeq; n++ {
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
	server := servers.NATS(t, `authorization: {users: [{user: `+servers.NATSUser+`, password: "`+servers.Password+`", permissions: {publish: {deny: ["secret.*.x"]}}}]}`, "max_payload: 100000")
	js := streams(t, server)
	for _, c := range []jetstream.StreamConfig{
		{Name: "good"}, {Name: "secret"}, {Name: "small", MaxMsgSize: 300}, {Name: "volatile", Storage: jetstream.MemoryStorage},
		{Name: "mute", NoAck: true}, {Name: "lazy", PersistMode: jetstream.AsyncPersistMode}, {Name: "sealed"},
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
		"as large as the stream takes":         {to("small", strings.Repeat("x", 300-headers("events", 1))), ""},
		"larger than the stream takes":         {to("small", strings.Repeat("x", 301-headers("events", 1))), txc.CodeRefused},
		"larger than the server takes":         {to("good", strings.Repeat("x", 100_000)), txc.CodeRefused},
		"storage memory":                       {to("volatile", "m"), txc.CodeStore},
		"no acknowledgements":                  {to("mute", "m"), txc.CodeStore},
		"acknowledged before it is written":    {to("lazy", "m"), txc.CodeStore},
		"a sealed stream":                      {to("sealed", "m"), txc.CodeStore},
		"what the user may not publish to":     {to("secret.a.x", "m"), txc.CodeRefused},
		"what the user may publish to":         {to("secret.a.y", "m"), ""},
		"a subject of a longer, denied prefix": {to("secret.a.x.b", "m"), ""},
	}
	for says, row := range rows {
		b := eventBranch("events", 1)
		p, err := s.Prepare(t.Context(), b, messages(row.p), false)
		if err != nil || (p.Vote == txc.Yes) != (row.code == "") || p.Reason.Code != row.code || p.Reason.Retryable {
			t.Errorf("%s: %v %v, %v", says, p.Vote, p.Reason, err)
			continue
		}
		if p.Vote == txc.Yes { // and what Prepare took, the server takes
			if f, err := s.Commit(t.Context(), b, p.Evidence); err != nil || f != txc.CommittedNow {
				t.Errorf("%s: commit: %v, %v", says, f, err)
			}
			s = forgetting(t, s, server)
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

// forgetting is another participant, for which every branch is new.
func forgetting(t testing.TB, s *staged.Store, server *servers.NATSServer) *staged.Store {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return openNATS(t, server, t.TempDir(), "events")
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
