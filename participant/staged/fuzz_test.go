package staged_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant/staged"
)

// FuzzMessages: work that is taken is messages within the limits, each with an id of its own, and says nothing that would
// be lost on the way.
func FuzzMessages(f *testing.F) {
	f.Add(work(f, publication("q", "m"), &txcpb.Publication{To: "x/y", Headers: map[string]string{"type": "t"}, ContentType: "text/plain", Body: []byte{0, 255}}))
	f.Add([]byte("not work"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := staged.Messages(branch(1), b)
		if err != nil {
			return
		}
		var again []*txcpb.Publication
		ids := map[string]bool{}
		for _, m := range all {
			if m.To == "" || len(m.Headers) > staged.MaxHeaders || ids[m.ID] || len(m.ID) > 160 {
				t.Fatalf("%+v", m)
			}
			for name, value := range m.Headers {
				if strings.ContainsAny(name, "\r\n\x00: ") || strings.ContainsAny(value, "\r\n\x00") {
					t.Fatalf("header %q: %q", name, value)
				}
			}
			ids[m.ID] = true
			again = append(again, &txcpb.Publication{To: m.To, Headers: m.Headers, ContentType: m.ContentType, Body: m.Body})
		}
		var was txcpb.Work
		if err := proto.Unmarshal(b, &was); err != nil || len(all) == 0 || len(all) > staged.MaxMessages {
			t.Fatalf("%d messages, %v", len(all), err)
		}
		if is := (&txcpb.Work{Kind: &txcpb.Work_Publish{Publish: &txcpb.PublishWork{Messages: again}}}); !proto.Equal(&was, is) {
			t.Fatalf("%v became %v", &was, is)
		}
	})
}
