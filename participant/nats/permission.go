package nats

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
)

// userInfo is where a server tells a connection who it is.
const userInfo = "$SYS.REQ.USER.INFO"

// askUser bounds the question, which not every user may ask: then there is no answer, but a complaint.
const askUser = time.Second

// permissionsFor is how long what the server has said of the user holds.
const permissionsFor = time.Minute

// permissions is what the participant's user may publish to, as far as the server tells.
type permissions struct {
	at    time.Time
	known bool
	allow []string // none: everything
	deny  []string
}

// permitted reports whether the user may publish to a subject. Where the server will not tell, it may: the commit would be
// repeated until it can. An error says that the server was silent.
func (b *broker) permitted(ctx context.Context, subject string) (bool, error) {
	p, err := b.permissions(ctx)
	if err != nil || !p.known {
		return err == nil, err
	}
	allowed := len(p.allow) == 0
	for _, pattern := range p.allow {
		allowed = allowed || matches(pattern, subject)
	}
	for _, pattern := range p.deny {
		allowed = allowed && !matches(pattern, subject)
	}
	return allowed, nil
}

// permissions asks the server. Only what it says is remembered: its silence says nothing of the user.
func (b *broker) permissions(ctx context.Context) (permissions, error) {
	b.mu.Lock()
	p := b.user
	b.mu.Unlock()
	if time.Since(p.at) < permissionsFor {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askUser)
	defer cancel()
	reply, err := b.conn.RequestWithContext(ctx, userInfo, nil)
	p = permissions{}
	switch {
	case err == nil:
		p = parsePermissions(reply.Data)
		b.unasked.Store(false)
	case errors.Is(err, client.ErrNoResponders) || b.unasked.Load(): // it will not tell
	default:
		return p, away(err)
	}
	p.at = time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.user = p
	return p, nil
}

// complained takes what the server complains of.
func (b *broker) complained(err error) {
	b.said.Store(&err)
	if text := err.Error(); strings.Contains(text, userInfo) && strings.Contains(strings.ToLower(text), "permissions violation") {
		b.unasked.Store(true)
	}
}

// parsePermissions reads the server's answer; one that is something else says nothing.
func parsePermissions(data []byte) permissions {
	var reply struct {
		Data *struct {
			Permissions struct {
				Publish struct {
					Allow []string `json:"allow"`
					Deny  []string `json:"deny"`
				} `json:"publish"`
			} `json:"permissions"`
		} `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(data, &reply); err != nil || reply.Data == nil || len(reply.Error) > 0 {
		return permissions{}
	}
	of := reply.Data.Permissions.Publish
	return permissions{known: true, allow: of.Allow, deny: of.Deny}
}

// matches tells whether a subject falls under a pattern with the wildcards * (one word) and > (the rest).
func matches(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, word := range p {
		switch {
		case word == ">":
			return i == len(p)-1 && len(s) > i
		case i >= len(s) || word != "*" && word != s[i]:
			return false
		}
	}
	return len(p) == len(s)
}
