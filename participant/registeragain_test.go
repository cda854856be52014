package participant_test

import (
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
