package rabbitmq_test

import (
	"errors"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/rabbitmq"
	"github.com/txc-dev/txc/participant/staged"
)

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"", "q", "/", "/q", "//", "x/", "x/k", "x/a/b", "amq.gen-1", "amq.topic/k", strings.Repeat("x", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := rabbitmq.ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := rabbitmq.ParseAddress(a.String()); err != nil || again != a {
			t.Errorf("%q is %+v, and %q is %+v, %v", s, a, a.String(), again, err)
		}
		if len(a.Exchange) > 255 || len(a.Key) > 255 || a == (rabbitmq.Address{}) {
			t.Errorf("%q is %+v", s, a)
		}
	})
}

func TestAddresses(t *testing.T) {
	for s, want := range map[string]rabbitmq.Address{
		"orders": {"", "orders"}, "/eu/orders": {"", "eu/orders"}, "events/order.created": {"events", "order.created"},
		"events/": {"events", ""}, "events/a/b": {"events", "a/b"}, "amq.topic/k": {"amq.topic", "k"},
	} {
		if a, err := rabbitmq.ParseAddress(s); err != nil || a != want {
			t.Errorf("%q: %+v, %v, want %+v", s, a, err, want)
		}
	}
	for _, s := range []string{"", "/", "amq.rabbitmq.reply-to", "/amq.gen-1", strings.Repeat("x", 256)} {
		if a, err := rabbitmq.ParseAddress(s); err == nil {
			t.Errorf("%q: %+v", s, a)
		}
	}
}

// What a server says that this adapter does not know is a No, never a yes; tests/stores has the words of a real one.
func TestWordsThatAreNotUnderstoodAreANo(t *testing.T) {
	for _, said := range []*amqp.Error{
		nil, {Code: 406, Reason: "PRECONDITION_FAILED - something new"}, {Code: 406, Reason: "inequivalent arg 'sharded' for queue 'q'"},
		{Code: 540, Reason: "NOT_IMPLEMENTED"}, {Code: 403, Reason: "inequivalent arg 'x-expires'"}, {Code: 404, Reason: "home node is down"},
	} {
		why := rabbitmq.Judge("queue q", said)
		if why.IsZero() || why.Retryable != (why.Code == txc.CodeUnreachable) {
			t.Errorf("%v: %+v", said, why)
		}
	}
	for _, said := range []*amqp.Error{nil, {Code: 404, Reason: "current is 'x'"}, {Code: 406, Reason: "inequivalent arg 'type' for exchange"}, {Code: 406, Reason: "current is 'x'"}} {
		if kind, ok := rabbitmq.CurrentType(said); ok {
			t.Errorf("%v: type %q", said, kind)
		}
	}
	for version, want := range map[string]bool{"": true, "3.7.28": true, "3.8": false, "3.10.8": false, "4.1.0": false, "new": true} {
		if rabbitmq.Old(version) != want {
			t.Errorf("version %q: old is %v", version, !want)
		}
	}
}

func TestWhatWouldEndTheConnectionDoesNotFit(t *testing.T) {
	big := map[string]string{}
	for i := range 40 {
		big[strings.Repeat("x", i+1)] = strings.Repeat("y", 4096)
	}
	for says, headers := range map[string]map[string]string{"further addresses": {"CC": "a"}, "hidden ones": {"BCC": "a"}, "more than a frame": big} {
		if rabbitmq.Fits(&staged.Message{ID: "i", To: "q", Headers: headers}, 131072) == nil {
			t.Errorf("%s: it fits", says)
		}
	}
	if err := rabbitmq.Fits(&staged.Message{ID: "i", To: "q", Headers: map[string]string{"cc": "a"}, Body: make([]byte, 1<<20)}, 131072); err != nil {
		t.Error(err) // bodies are sent in frames
	}
}

func TestAnAddressThatCannotBeReadIsNotShown(t *testing.T) {
	for _, s := range []string{"http://h", "amqp://a:hunter2@h:port/", "amqp://a:hunter2@h/v?heartbeat=x", "amqp://a:%zz@h", "amqp://a:hunter2 @h/"} {
		_, err := rabbitmq.Open(t.Context(), s, t.TempDir(), rabbitmq.Options{Cluster: "test", Name: "events", Password: "hunter2"})
		if !errors.Is(err, txc.ErrInvalid) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", s, err)
		}
	}
}
