package stores_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/redis"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// teller is a user of a Redis whom somebody takes rights from.
type teller struct {
	*till
	s *redis.Store
}

func newTeller(t *testing.T, server *servers.RedisServer, beside *till, name string, less ...any) *teller {
	d := newTill(t, server, beside.db, name)
	d.ask(append([]any{"acl", "setuser", name, "reset", "on", ">app", "~*", "&*", "+@read", "+@write", "+@scripting", "+@connection", "+time", "+info"}, less...)...)
	return &teller{d, d.open(strings.Replace(server.Store(), "redis://default@", "redis://"+name+":app@", 1))}
}

// list is what a list has.
func (c *teller) list(k string) []string { return c.db.LRange(c.ctx, c.key(k), 0, -1).Val() }

// P1: what the user may not do at the end is not promised, and nothing of it is left; it is not found out amid the commit.
func TestRedisUserWhoMayNotKeepAPromise(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	beside := newTill(t, server, client(t, server), "beside")
	for _, command_ := range []string{"-lpush", "-set", "-sadd", "-srem", "-zadd", "-hdel", "-unlink"} {
		t.Run(command_, func(t *testing.T) {
			c := newTeller(t, server, beside, "teller"+command_, command_)
			c.ask("rpush", c.key("queue"), "kept")
			b := c.branch()
			p, err := c.s.Prepare(c.ctx, b, redisWork(command("set", c.key("a"), "1"), command("lpush", c.key("queue"), "new")), false)
			if err == nil && p.Vote == txc.Yes {
				f, err := c.s.Commit(c.ctx, b, p.Evidence)
				t.Fatalf("promised; commit: %v, %v; the list has %q", f, err, c.list("queue"))
			}
			if err != nil || p.Reason.Code != txc.CodeStore || !strings.Contains(p.Reason.Text, "may not") {
				t.Errorf("vote %v %v, %v", p.Vote, p.Reason, err)
			}
			if got := c.list("queue"); !slices.Equal(got, []string{"kept"}) {
				t.Errorf("the list has %q", got)
			}
			if held := c.db.HMGet(c.ctx, "txc:locks", c.key("a"), c.key("queue")).Val(); held[0] != nil || held[1] != nil || c.promisedThere(b) {
				t.Errorf("locks %v, promised: %v", held, c.promisedThere(b))
			}
		})
	}
}

// P11: a right that was taken away after the vote holds the commit up until it is given back: nothing is half done, and
// what others have in the key is not lost.
func TestRedisRightIsTakenAway(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	beside := newTill(t, server, client(t, server), "beside")
	for _, right := range []string{"lpush", "srem"} {
		t.Run(right, func(t *testing.T) {
			c := newTeller(t, server, beside, "teller-"+right)
			c.ask("rpush", c.key("queue"), "kept")
			b := c.branch()
			p, err := c.s.Prepare(c.ctx, b, redisWork(command("rpush", c.key("queue"), "last"), command("set", c.key("a"), "1"), command("lpush", c.key("queue"), "first")), false)
			c.voted(p, err, txc.Yes)
			given, _ := c.promise(c.s, "given-up")
			c.ask("acl", "setuser", c.name, "-"+right, "-set")
			if f, err := c.s.Abort(c.ctx, given, nil); (err == nil) != (right == "lpush") { // it needs no right but those that end a promise
				t.Errorf("abort: %v, %v", f, err)
			}
			for range 2 {
				if f, err := c.s.Commit(c.ctx, b, p.Evidence); err == nil || !strings.Contains(err.Error(), "may not") {
					t.Errorf("commit: %v, %v", f, err)
				}
			}
			if got := c.list("queue"); !slices.Equal(got, []string{"kept"}) || c.ask("exists", c.key("a")) != int64(0) || !c.promisedThere(b) {
				t.Errorf("half done: the list has %q", got)
			}
			c.ask("acl", "setuser", c.name, "+"+right, "+set")
			c.abort(c.s, given, txc.AbortedNow)
			c.listed(c.s, b)
			c.commit(c.s, b, p.Evidence, txc.CommittedNow)
			if got := c.list("queue"); !slices.Equal(got, []string{"first", "kept", "last"}) {
				t.Errorf("the list has %q", got)
			}
		})
	}
}
