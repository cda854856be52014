package client

import "github.com/txc-dev/txc/api/txcpb"

// Message is one message for a broker's participant.
type Message struct {
	To          string            // a subject, a queue, or exchange/key: docs/adapters says what a broker takes
	Headers     map[string]string // see there
	ContentType string            // "": not said
	Body        []byte
}

// Publish is work for a broker's participant: messages that are published, in order, once the transaction has committed, and
// never if it has not.
func Publish(messages ...Message) Work { return publishWork(messages) }

type publishWork []Message

func (w publishWork) MarshalWork() ([]byte, error) {
	work := &txcpb.PublishWork{}
	for _, m := range w {
		work.Messages = append(work.Messages, &txcpb.Publication{To: m.To, Headers: m.Headers, ContentType: m.ContentType, Body: m.Body})
	}
	return marshal(&txcpb.Work{Kind: &txcpb.Work_Publish{Publish: work}})
}
