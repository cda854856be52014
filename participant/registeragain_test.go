package participant_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/txc-dev/txc/participant"
)

// C13: registrations are repeated for ever, but at growing intervals where a coordinator (it has us in quarantine) answers
// each of them with another link that it closes at once.
func TestRegistrationsKeepTheirDistance(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newOffice(t)
		a := open(t, toyAt(t, t.TempDir()), participant.Options{}, o)
		began := time.Now()
		for time.Since(began) < 2*time.Second {
			o.dial(a)
			if err := o.link.Close(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			<-time.After(10 * time.Millisecond) // virtual
		}
		if n, _ := o.counts(); n < 4 || n > 8 {
			t.Errorf("%d registrations in 2 s", n)
		}
		shut(t, a)
	})
}

// A coordinator that is away for long fills no log: what is wrong is said once.
func TestAFailingRegistrationIsLoggedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := newOffice(t)
		o.refuse = 50
		var log bytes.Buffer
		a, err := participant.Open(t.Context(), toyAt(t, t.TempDir()), []participant.Coordinator{o}, participant.Options{
			Name: "toy", Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute) // virtual
		if n, _ := o.counts(); n != 1 {
			t.Errorf("%d registrations", n)
		}
		shut(t, a)
		if n := strings.Count(log.String(), "will be retried"); n != 1 {
			t.Errorf("%d lines about one trouble:\n%s", n, log.String())
		}
	})
}
