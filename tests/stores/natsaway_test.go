package stores_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/nats"
	"github.com/txc-dev/txc/participant/staged"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// A server that is away delays what needs it, and nothing else; when it is back everything goes on.
func TestNATSIsAway(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t)
	js := streams(t, server)
	addStream(t, js, jetstream.StreamConfig{Name: "events"})
	dir := t.TempDir()
	s := openNATS(t, server, dir, "events")
	a, b := eventBranch("events", 1), eventBranch("events", 2)
	ea, eb := yes(t, s, a, to("events.a", "a")), yes(t, s, b, to("events.b", "b"))
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	s = openNATS(t, server, dir, "events")
	began := time.Now()
	if f, err := s.Commit(t.Context(), a, ea); err == nil || !strings.Contains(err.Error(), "no connection to the server") {
		t.Fatalf("commit without a server: %v, %v", f, err)
	}
	if p, err := s.Prepare(t.Context(), eventBranch("events", 3), messages(to("events.c", "c")), false); err != nil || p.Vote != txc.No || !p.Reason.Retryable {
		t.Fatalf("vote %v %v, %v", p.Vote, p.Reason, err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v to find that the server is away", took)
	}
	if f, err := s.Abort(t.Context(), b, eb); err != nil || f != txc.AbortedNow {
		t.Fatal(f, err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	for ctx := t.Context(); ; {
		f, err := s.Commit(ctx, a, ea)
		if err == nil {
			if f != txc.CommittedNow {
				t.Fatal(f)
			}
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Fatal(err)
		}
	}
	if got := bodies(t, js, "events"); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("%q", got)
	}
}

// A permission that is taken away after the vote delays the commit until it is given back; the error tells why.
func TestNATSPermissionIsTakenAway(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t)
	addStream(t, streams(t, server), jetstream.StreamConfig{Name: "events"})
	dir := t.TempDir()
	s := openNATS(t, server, dir, "events")
	b := eventBranch("events", 1)
	evidence := yes(t, s, b, to("events.a", "a"))
	config := filepath.Join(server.Dir, "nats.conf")
	was, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	denied := string(was) + natsDenying("events.>") + "\n"
	for _, text := range []string{denied, string(was)} {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s = openNATS(t, server, dir, "events")
		f, err := s.Commit(t.Context(), b, evidence)
		if text == denied && (err == nil || !strings.Contains(strings.ToLower(err.Error()), "permissions violation")) || text != denied && (err != nil || f != txc.CommittedNow) {
			t.Fatalf("commit: %v, %v", f, err)
		}
		server.Stop()
	}
}

// A stream that is gone or full after the vote delays the commit, and loses nothing; what it took before the others is not
// there twice, and the order stays.
func TestNATSStreamTakesNothingAfterTheVote(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t)
	js := streams(t, server)
	full := jetstream.StreamConfig{Name: "events", Discard: jetstream.DiscardNew, MaxMsgs: 2, Duplicates: time.Minute}
	addStream(t, js, full)
	s := openNATS(t, server, t.TempDir(), "events")
	b := eventBranch("events", 1)
	evidence := yes(t, s, b, to("events.a", "1"), to("events.a", "2"), to("events.a", "3"), to("events.a", "4"))
	refused := func(says string) {
		t.Helper()
		if f, err := s.Commit(t.Context(), b, evidence); err == nil || !strings.Contains(err.Error(), says) {
			t.Fatalf("commit: %v, %v", f, err)
		}
	}
	if err := js.DeleteStream(t.Context(), "events"); err != nil {
		t.Fatal(err)
	}
	refused("no response from stream")
	addStream(t, js, full)
	refused("maximum messages exceeded")
	if got := bodies(t, js, "events"); !slices.Equal(got, []string{"1", "2"}) {
		t.Fatalf("%q", got)
	}
	full.MaxMsgs, full.Subjects = 10, []string{"events", "events.>"}
	if _, err := js.UpdateStream(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Commit(t.Context(), b, evidence); err != nil || f != txc.CommittedNow {
		t.Fatal(f, err)
	}
	if got := bodies(t, js, "events"); !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Fatalf("%q", got)
	}
}

// C10: a branch whose messages take longer than the time that publishing has is published all the same, each message once: what
// the stream has acknowledged is not sent again, whatever its duplicate window.
func TestNATSBranchTakesLongerThanItsTime(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t)
	js := streams(t, server)
	addStream(t, js, jetstream.StreamConfig{Name: "events", Duplicates: 100 * time.Millisecond})
	dir := t.TempDir()
	s := openNATS(t, server, dir, "events")
	all, want := []*txcpb.Publication{}, []string{}
	for n := range staged.MaxMessages {
		want = append(want, fmt.Sprint(n))
		all = append(all, to("events.a", want[n]))
	}
	b := eventBranch("events", 1)
	evidence := yes(t, s, b, all...)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := nats.Open(t.Context(), server.Store(), dir, nats.Options{
		Cluster: "test", Name: "events", Password: servers.Password, Ballast: -1, MinFree: 1, Timeout: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	f, err := s.Commit(t.Context(), b, evidence)
	if err == nil {
		t.Errorf("%v: it had time enough", f)
	}
	for began := time.Now(); err != nil && time.Since(began) < 30*time.Second; {
		f, err = s.Commit(t.Context(), b, evidence)
	}
	if err != nil || f != txc.CommittedNow {
		t.Fatal(f, err)
	}
	if got := slices.Compact(bodies(t, js, "events")); !slices.Equal(got, want) { // one whose acknowledgement was late may be there again
		t.Errorf("%d messages: %q", len(got), got)
	}
}

// A server that was silent about the user's permissions, for it was slow, or the client's time was short, has not said that
// everything is permitted: the vote is No, and the next one asks again.
func TestNATSIsSilentAboutPermissions(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t, natsDenying("secret.>"))
	addStream(t, streams(t, server), jetstream.StreamConfig{Name: "secret"})
	w := newWire(t, server.Address, "$SYS.REQ.USER.INFO", false, nil)
	through := &servers.NATSServer{Server: &servers.Server{Address: w.address}}
	s := openNATS(t, through, t.TempDir(), "events")
	w.arm()
	p, err := s.Prepare(t.Context(), eventBranch("events", 1), messages(to("secret.a", "m")), false)
	if err != nil || p.Vote != txc.No || p.Reason.Code != txc.CodeUnreachable || !p.Reason.Retryable {
		t.Errorf("silence: vote %v %v, %v", p.Vote, p.Reason, err)
	}
	for began, n := time.Now(), uint64(2); p.Reason.Code == txc.CodeUnreachable && time.Since(began) < 30*time.Second; n++ { // it is connected again
		if p, err = s.Prepare(t.Context(), eventBranch("events", n), messages(to("secret.a", "m")), false); err != nil {
			t.Fatal(err)
		}
	}
	if p.Vote != txc.No || p.Reason.Code != txc.CodeRefused {
		t.Errorf("asked again: vote %v %v", p.Vote, p.Reason)
	}
}

// A user that may not ask for its permissions publishes without, and Check says so.
func TestNATSUserThatMayNotAsk(t *testing.T) {
	t.Parallel()
	server := servers.NATS(t, natsDenying("$SYS.>"))
	js := streams(t, server)
	addStream(t, js, jetstream.StreamConfig{Name: "events"})
	s := openNATS(t, server, t.TempDir(), "events")
	b := eventBranch("events", 1)
	if f, err := s.Commit(t.Context(), b, yes(t, s, b, to("events.a", "m"))); err != nil || f != txc.CommittedNow {
		t.Fatal(f, err)
	}
	r, err := s.Check(t.Context())
	if err != nil || !slices.ContainsFunc(r.Findings, func(f participant.Finding) bool { return f.Name == "nats-permissions-unseen" }) {
		t.Errorf("%+v, %v", r, err)
	}
}

// natsDenying is the setting of a server whose only user may publish to everything but this.
func natsDenying(subject string) string {
	return `authorization: {users: [{user: ` + servers.NATSUser + `, password: "` + servers.Password + `", permissions: {publish: {deny: ["` + subject + `"]}}}]}`
}
