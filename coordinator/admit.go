package coordinator

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/txc-dev/txc"
)

// admit checks at Begin what the log, or a participant, might refuse later (C3).
func (c *Core) admit(r Request) error {
	switch {
	case r.Timeout < 0:
		return txc.Refuse(txc.ErrInvalid, txc.CodeBadTimeout, "a timeout must be more than 0")
	case r.Timeout > c.o.MaxTimeout:
		return txc.Refuse(txc.ErrInvalid, txc.CodeBadTimeout, fmt.Sprintf("a timeout of %v is more than this coordinator allows, %v (--max-timeout)", r.Timeout, c.o.MaxTimeout))
	case len(r.Key) > txc.MaxKey || !utf8.ValidString(r.Key):
		return txc.Refuse(txc.ErrInvalid, txc.CodeBadName, fmt.Sprintf("a key has at most %d bytes of UTF-8", txc.MaxKey))
	case len(r.Labels) > txc.MaxLabels:
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("a transaction has at most %d labels", txc.MaxLabels))
	case len(r.Work) > txc.MaxBranches:
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooManyBranches, fmt.Sprintf("a transaction has at most %d branches", txc.MaxBranches))
	}
	if bad, ok := badLabel(r.Labels); ok {
		return txc.Refuse(txc.ErrInvalid, txc.CodeBadName, fmt.Sprintf("label %q: keys are 1 to 32 of a-z 0-9 _ . -, values at most %d bytes of UTF-8", note(bad, maxWho), txc.MaxLabelValue))
	}
	return checkWorks(r.Work)
}

// badLabel finds the first bad one in the order of their keys: words must not depend on a map's order either.
func badLabel(labels map[string]string) (bad string, found bool) {
	for k, v := range labels {
		if (!labelKey(k) || len(v) > txc.MaxLabelValue || !utf8.ValidString(v)) && (!found || k < bad) {
			bad, found = k, true
		}
	}
	return bad, found
}

func labelKey(k string) bool {
	return len(k) >= 1 && len(k) <= 32 && strings.Trim(k, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == ""
}

func checkWorks(all []Work) error {
	total := 0
	for i, w := range all {
		if ref := checkWork(w); ref != nil {
			return ref
		}
		total += len(w.Work)
		for _, before := range all[:i] {
			if before.Participant == w.Participant {
				return txc.Refuse(txc.ErrInvalid, txc.CodeAlreadyEnlisted, w.Participant+" is named twice: put all operations of a participant in one list")
			}
		}
	}
	if total > txc.MaxTxWork {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("work of %d bytes over all branches is more than %d", total, txc.MaxTxWork))
	}
	return nil
}

func checkWork(w Work) error {
	if err := txc.CheckParticipant(w.Participant); err != nil {
		return txc.Refuse(txc.ErrInvalid, txc.CodeBadName, err.Error())
	}
	if len(w.Work) > txc.MaxWork {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("work of %d bytes for %s is more than %d", len(w.Work), w.Participant, txc.MaxWork))
	}
	return nil
}

func sameWork(a, b Work) bool {
	return a.Joined() == b.Joined() && bytes.Equal(a.Work, b.Work) && a.Calls == b.Calls && a.Incarnation == b.Incarnation
}

// digestOf tells requests under one key apart: participants and work, in the order of the names. A key that the client
// library drew belongs to one request, so it needs none.
func digestOf(key string, own bool, all []Work) (d [16]byte) {
	if key == "" || own {
		return d
	}
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Work) int { return strings.Compare(a.Participant, b.Participant) })
	h := sha256.New()
	for _, w := range sorted {
		var head [13]byte
		binary.BigEndian.PutUint32(head[0:], uint32(len(w.Participant)))
		binary.BigEndian.PutUint32(head[4:], uint32(len(w.Work)))
		binary.BigEndian.PutUint32(head[8:], w.Calls)
		if w.Joined() {
			head[12] = 1
		}
		h.Write(head[:])
		h.Write([]byte(w.Participant))
		h.Write(w.Work)
	}
	copy(d[:], h.Sum(nil))
	return d
}

// enlistable finds a participant that may be given new branches.
func (c *Core) enlistable(name string) (*peer, error) {
	p := c.peers[name]
	switch {
	case p == nil || p.reg.State == "":
		return nil, txc.Refuse(txc.ErrNotFound, txc.CodeUnknownParticipant, fmt.Sprintf("no participant %q is registered here: see `txc participants`", name))
	case p.quarantined():
		return nil, txc.Refuse(txc.ErrUnavailable, txc.CodeQuarantined, name+" is quarantined: "+p.reg.Why+"; see `txc accept participant`")
	case p.leaving():
		return nil, txc.Refuse(txc.ErrUnavailable, txc.CodeUnknownParticipant, name+" is being removed, or was")
	default:
		return p, nil
	}
}

// admitted tells why nothing may begin right now; nil: it may (C10, C12, B7).
func (c *Core) admitted(bytes int) error {
	if code, text := c.refusing(); code != "" {
		return txc.Refuse(txc.ErrUnavailable, code, text)
	}
	if len(c.live) >= c.o.MaxLive {
		return txc.Refuse(txc.ErrBusy, txc.CodeBusy, fmt.Sprintf("%d transactions are in flight here, the most there may be (MaxLive)", len(c.live)))
	}
	return c.light(bytes)
}

func (c *Core) light(bytes int) error {
	if c.bytes+bytes > maxBytes {
		return txc.Refuse(txc.ErrBusy, txc.CodeBusy, fmt.Sprintf("the transactions in flight here hold %d bytes of work and results, the most there may be", c.bytes))
	}
	return nil
}

// room tells why a transaction that could run cannot be prepared right now: no link, or no room (C10). The zero Reason:
// it can. What is refused here touched nobody.
func (c *Core) room(l *live) txc.Reason {
	if len(c.stopped) > 0 {
		_, text := c.refusing()
		return txc.Reason{Code: txc.CodeWaiting, Text: text}
	}
	for i := range l.branches {
		p := l.branches[i].peer
		if !p.ready || !p.heard {
			return txc.Reason{Code: txc.CodeUnreachable, Text: "no link to it: is it running?", Participant: p.name, Retryable: true}
		}
		if full := c.full(p); !full.IsZero() {
			return full
		}
	}
	return txc.Reason{}
}

// full tells why a participant is given no more branches right now (C10); the zero Reason: it is.
func (c *Core) full(p *peer) txc.Reason {
	if c.sequence-c.refreshed > txc.MaxLag/2 {
		c.refreshWatermarks() // so many have begun since that it is this, not a participant, that lags
	}
	switch {
	case p.load >= c.o.MaxQueue:
		return txc.Reason{Code: txc.CodeBusy, Text: fmt.Sprintf("%d of its branches are unfinished, the most there may be", p.load), Participant: p.name, Retryable: true}
	case c.lagging(p):
		return txc.Reason{Code: txc.CodeBusy, Text: "its watermark lags too far behind: an old transaction of it is still open", Participant: p.name, Retryable: true}
	default:
		return txc.Reason{}
	}
}

// charge takes the room that the branches need, Commit included (C10).
func (c *Core) charge(l *live) {
	for i := range l.branches {
		if b := &l.branches[i]; !b.charged {
			b.charged = true
			b.peer.load++
			b.peer.empty, b.peer.sweep.some = false, true // a list that is being read is older than this
		}
	}
}
