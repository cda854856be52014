package staged

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/participant"
)

// Limits of one branch's messages; all of them together have at most txc.MaxWork bytes.
const (
	MaxMessages = 1000
	MaxTo       = 255  // bytes of an address
	MaxHeaders  = 64   // of one message
	MaxName     = 128  // bytes of a header's name
	MaxHeader   = 4096 // bytes of a header's value
	MaxType     = 255  // bytes of a content type
)

// messages reads a branch's work. What it does not know is an error: a newer client may have meant a condition by it.
func messages(b participant.Branch, work []byte) ([]Message, error) {
	var w txcpb.Work
	if err := proto.Unmarshal(work, &w); err != nil {
		return nil, fmt.Errorf("it is not work: %w", err)
	}
	list := w.GetPublish().GetMessages()
	switch {
	case w.GetPublish() == nil || unknown(&w) || unknown(w.GetPublish()):
		return nil, fmt.Errorf("it is not messages to publish")
	case len(list) == 0 || len(list) > MaxMessages:
		return nil, fmt.Errorf("%d messages: use 1 to %d", len(list), MaxMessages)
	}
	all := make([]Message, len(list))
	for i, p := range list {
		all[i] = Message{
			ID: fmt.Sprintf("%s/%d", b.Name(), i), To: p.GetTo(), Headers: p.GetHeaders(), ContentType: p.GetContentType(), Body: p.GetBody(),
		}
		err := all[i].check()
		if unknown(p) {
			err = fmt.Errorf("it says more than this participant knows")
		}
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
	}
	return all, nil
}

func unknown(m proto.Message) bool { return len(m.ProtoReflect().GetUnknown()) > 0 }

// check refuses what no broker could carry as it is.
func (m *Message) check() error {
	switch {
	case m.To == "" || len(m.To) > MaxTo || !plain(m.To):
		return fmt.Errorf("an address of %d bytes: use 1 to %d, no control characters", len(m.To), MaxTo)
	case len(m.ContentType) > MaxType || !plain(m.ContentType):
		return fmt.Errorf("a content type of %d bytes: at most %d, no control characters", len(m.ContentType), MaxType)
	case len(m.Headers) > MaxHeaders:
		return fmt.Errorf("%d headers: at most %d", len(m.Headers), MaxHeaders)
	}
	seen := make(map[string]bool, len(m.Headers))
	for name, value := range m.Headers {
		lower := strings.ToLower(name)
		switch {
		case !token(name):
			return fmt.Errorf("header %q: use 1 to %d letters, digits, '-', '_' and '.'", name[:min(len(name), MaxName)], MaxName)
		case strings.HasPrefix(lower, "txc-") || lower == "content-type" || seen[lower]:
			return fmt.Errorf("header %q: headers that begin with Txc-, and Content-Type, are not the client's to set; none comes twice", name)
		case len(value) > MaxHeader || !plain(value) || strings.TrimSpace(value) != value:
			return fmt.Errorf("header %q: at most %d bytes of UTF-8, no control characters, no space at its ends", name, MaxHeader)
		}
		seen[lower] = true
	}
	return nil
}

func token(s string) bool {
	ok := s != "" && len(s) <= MaxName
	for _, c := range []byte(s) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	return ok
}

func plain(s string) bool { return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0 }
