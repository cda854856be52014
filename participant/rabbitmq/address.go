package rabbitmq

import (
	"errors"
	"fmt"
	"strings"
)

// Address is where a message goes.
type Address struct {
	Exchange string // "": the default exchange, where each queue is reached by its name
	Key      string // the routing key; a queue's name where Exchange is empty
}

// maxShort is what AMQP's short strings hold: bytes of an exchange, a key, a content type, a header's name, an id.
const maxShort = 255

// ParseAddress reads QUEUE, or EXCHANGE/KEY, cut at the first slash. A queue with a slash in its name is /QUEUE; the key may
// be empty (for a fanout exchange).
func ParseAddress(to string) (Address, error) {
	exchange, key, cut := strings.Cut(to, "/")
	if !cut {
		exchange, key = "", to
	}
	switch {
	case exchange == "" && key == "":
		return Address{}, errors.New("no queue: use QUEUE, or EXCHANGE/KEY")
	case len(exchange) > maxShort || len(key) > maxShort:
		return Address{}, fmt.Errorf("an exchange or a key of more than %d bytes", maxShort)
	case exchange == "" && strings.HasPrefix(key, "amq."):
		return Address{}, fmt.Errorf("queue %s: names that begin with amq. are the server's own", key)
	}
	return Address{exchange, key}, nil
}

// String is what ParseAddress reads.
func (a Address) String() string {
	if a.Exchange == "" && !strings.Contains(a.Key, "/") {
		return a.Key
	}
	return a.Exchange + "/" + a.Key
}

// place is what is asked for: the queue, or the exchange whatever the key.
func (a Address) place() string {
	if a.Exchange == "" {
		return "queue " + a.Key
	}
	return "exchange " + a.Exchange
}
