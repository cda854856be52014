package coordinator

import "sync"

// link is the connection to one participant, as the owner keeps it. What a link that was given up still says is dropped:
// after its LinkDown nothing of it reaches the core, or an old Welcome could pass for the answer to a new Hello.
type link struct {
	Link
	mu   sync.Mutex
	dead bool
}

// post hands an event of a link in, unless the link was given up.
func (l *link) post(c *Coordinator, ev Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		c.post(ev)
	}
}

// giveUp makes LinkDown the last that is heard of the link.
func (l *link) giveUp(c *Coordinator, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		l.dead = true
		c.post(LinkDown{name})
	}
}

func (c *Coordinator) connect(p Peer) {
	c.disconnect(p.Name)
	l := &link{}
	made, err := c.dial(p, func(up bool, batch []Message) {
		switch {
		case len(batch) > 0:
			l.post(c, Received{p.Name, batch})
		case up:
			l.post(c, LinkUp{p.Name})
		default:
			l.post(c, LinkDown{p.Name})
		}
	})
	if err != nil {
		c.o.Logger.Warn("cannot make a link", "participant", p.Name, "address", p.Address, "err", err)
		l.giveUp(c, p.Name)
		return
	}
	l.Link = made
	c.links[p.Name] = l
	c.peersMu.Lock()
	c.peers[p.Name] = made
	c.peersMu.Unlock()
}

func (c *Coordinator) disconnect(name string) {
	l := c.links[name]
	if l == nil {
		return
	}
	l.giveUp(c, name)
	delete(c.links, name)
	c.peersMu.Lock()
	delete(c.peers, name)
	c.peersMu.Unlock()
	if err := l.Close(); err != nil {
		c.o.Logger.Warn("close a link", "participant", name, "err", err)
	}
}

// send hands a batch to the link. The core bounds what is under way (C10), so a link whose queue is full is stuck: it is
// given up and made again, and everything decided is told on the next one.
func (c *Coordinator) send(s Outgoing) {
	l := c.links[s.Participant]
	if l == nil {
		c.post(LinkDown{s.Participant})
		return
	}
	if l.Send(s.Messages) {
		return
	}
	c.o.Logger.Warn("a link's queue is full: connecting again", "participant", s.Participant)
	c.disconnect(s.Participant)
	c.post(LinkFull{s.Participant})
}

func (c *Coordinator) closeLinks() {
	for name := range c.links {
		c.disconnect(name)
	}
}
