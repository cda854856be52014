package nats

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// userInfo is where a server tells a connection who it is.
const userInfo = "$SYS.REQ.USER.INFO"

// askUser bounds the question, which not every user may ask: then there is no answer.
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

// permitted reports whether the user may publish to a subject. Where the server does not tell, it may: the commit would be
// repeated until it can.
func (b *broker) permitted(ctx context.Context, subject string) bool {
	p := b.permissions(ctx)
	if !p.known {
		return true
	}
	allowed := len(p.allow) == 0
	for _, pattern := range p.allow {
		allowed = allowed || matches(pattern, subject)
	}
	for _, pattern := range p.deny {
		allowed = allowed && !matches(pattern, subject)
	}
	return allowed
}

func (b *broker) permissions(ctx context.Context) permissions {
	b.mu.Lock()
	p := b.user
	b.mu.Unlock()
	if time.Since(p.at) < permissionsFor {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, askUser)
	defer cancel()
	p = permissions{at: time.Now()}
	if reply, err := b.conn.RequestWithContext(ctx, userInfo, nil); err == nil {
		p = parsePermissions(reply.Data)
		p.at = time.Now()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.user = p
	return p
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
