package participant

import (
	"slices"
)

// Session is one way in to an agent: a coordinator's stream, a link in the same process, or one unary call.
type Session struct {
	agent *Agent
	id    uint64
}

// Connect opens a session. Several may be open at once, of one coordinator or of many; which coordinator speaks is
// what its messages say.
//
// receive is called from one goroutine at a time, and must not block: with up=true and no messages when the session is
// open; with messages, which are then receive's; with up=false and no messages when the agent has ended. It is not
// called after Close has returned, but for one call that was on its way.
func (a *Agent) Connect(receive func(up bool, batch []Message)) *Session {
	in := &a.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	in.session++
	s := &Session{agent: a, id: in.session}
	if in.add(SessionOpened{s.id}) {
		in.sessions[s.id] = receive
	}
	return s
}

// Submit gives the agent messages, in this order. It never blocks. The slice is the caller's again; the messages'
// contents must not be changed afterwards. False: the agent has ended, or too much waits: the session is to be closed.
func (s *Session) Submit(batch []Message) bool {
	if s.agent.o.Gate != nil {
		batch = s.agent.gateReceived(batch)
	}
	return len(batch) == 0 || s.agent.inbox.receive(Received{Session: s.id, Messages: slices.Clone(batch)})
}

// Close ends the session. What it has asked goes on; answers go to the coordinator's next session. Twice is fine.
func (s *Session) Close() {
	in := &s.agent.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, open := in.sessions[s.id]; open {
		delete(in.sessions, s.id)
		in.add(SessionClosed{s.id})
	}
}

// gateReceived drops the messages whose step fails: they are lost.
func (a *Agent) gateReceived(batch []Message) []Message {
	kept := make([]Message, 0, len(batch))
	for _, m := range batch {
		if a.pass(receivePoint(m.Body), m.ID, m.Mark) == nil {
			kept = append(kept, m)
		}
	}
	return kept
}

// carryOutSends hands each session its messages, in order.
func (a *Agent) carryOutSends(sends []Send) {
	for len(sends) > 0 {
		session := sends[0].Session
		n := 1
		for n < len(sends) && sends[n].Session == session {
			n++
		}
		batch := make([]Message, 0, n)
		for _, s := range sends[:n] {
			if a.o.Gate == nil || a.pass(sendPoint(s.Message.Body), s.Message.ID, s.Message.Mark) == nil {
				batch = append(batch, s.Message)
			}
		}
		sends = sends[n:]
		a.inbox.mu.Lock()
		receive := a.inbox.sessions[session]
		a.inbox.mu.Unlock()
		if receive != nil && len(batch) > 0 {
			receive(true, batch)
		}
	}
}

// opened tells sessions that they are open.
func (a *Agent) opened(events []Event) {
	for _, ev := range events {
		if s, ok := ev.(SessionOpened); ok {
			a.inbox.mu.Lock()
			receive := a.inbox.sessions[s.Session]
			a.inbox.mu.Unlock()
			if receive != nil {
				receive(true, nil)
			}
		}
	}
}
