package kv

import (
	"fmt"
	"testing"

	"github.com/txc-dev/txc/participant/kv/engine"
)

// A value that a batch has changed is never told from memory as it was before.
func TestCacheFollowsWrites(t *testing.T) {
	c := newCache()
	key := engine.DataKey([]byte("k"))
	c.put(string(key), cached{value: []byte("1"), found: true})
	c.wrote(&engine.Batch{Pairs: []engine.Pair{{Key: key, Value: []byte("2")}}})
	if v, ok := c.get(key); !ok || string(v.value) != "2" || !v.found {
		t.Errorf("%+v, %v", v, ok)
	}
	for i := 0; c.old == nil || c.bytes > 0 && i < 10; i++ { // the key is in the older generation now
		c.put(fmt.Sprint("filler", i), cached{value: make([]byte, 4<<20)})
	}
	c.wrote(&engine.Batch{Pairs: []engine.Pair{{Key: key, Gone: true}}})
	if v, ok := c.get(key); !ok || v.found {
		t.Errorf("%+v, %v", v, ok)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache()
	for i := range 100 {
		c.put(fmt.Sprint(i), cached{value: make([]byte, 1<<20), found: true})
	}
	bytes := 0
	for _, generation := range []map[string]cached{c.young, c.old} {
		for _, v := range generation {
			bytes += len(v.value)
		}
	}
	if bytes > cacheBytes+2<<20 {
		t.Errorf("%d bytes kept", bytes)
	}
	if _, ok := c.get([]byte("0")); ok {
		t.Error("the oldest is still here")
	}
}
