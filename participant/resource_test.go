package participant_test

import (
	"path/filepath"
	"testing"

	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/resourcetest"
)

// The toy is a correct adapter: that is why it can be shown.
func TestToyIsAnAdapter(t *testing.T) {
	resourcetest.Run(t, func(t *testing.T) *resourcetest.Store {
		path := filepath.Join(t.TempDir(), "toy.json")
		return &resourcetest.Store{
			Cluster: "txc", Participant: "toy", Locks: true, Broken: []byte("no work"),
			Open:  func() (participant.Resource, error) { return OpenToy(path) },
			Write: func(key, value string) []byte { return []byte(key + "=" + value) },
			Value: func(r participant.Resource, key string) (string, bool, error) {
				value := r.(*Toy).Value(key)
				return value, value != "", nil
			},
		}
	})
}
