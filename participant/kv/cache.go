package kv

import (
	"github.com/txc-dev/txc/participant/kv/engine"
)

// cacheBytes bounds the committed values kept in memory, keys and an overhead for each included.
const cacheBytes = 32 << 20

// cacheOverhead is what one value costs beside its bytes, roughly.
const cacheOverhead = 96

// cache keeps committed values that were read or written lately, in two generations: when the younger one is full, it
// becomes the older one, and what the older one held is let go. The owner alone uses it.
type cache struct {
	young, old map[string]cached
	bytes      int // of the younger one
}

// cached is one key's value, or its absence. The bytes are never changed.
type cached struct {
	value []byte
	found bool
}

func newCache() *cache { return &cache{young: map[string]cached{}} }

func (c *cache) get(key []byte) (cached, bool) {
	if v, ok := c.young[string(key)]; ok {
		return v, true
	}
	v, ok := c.old[string(key)]
	if ok {
		c.put(string(key), v)
	}
	return v, ok
}

func (c *cache) put(key string, v cached) {
	if _, ok := c.young[key]; !ok {
		c.bytes += len(key) + cacheOverhead
	}
	c.bytes += len(v.value) // of a replaced one, too: that only makes the generation shorter
	c.young[key] = v
	if c.bytes > cacheBytes/2 {
		c.old, c.young, c.bytes = c.young, map[string]cached{}, 0
	}
}

// wrote keeps what a durable batch has made of keys that are here; others may stay on the disk.
func (c *cache) wrote(b *engine.Batch) {
	for _, p := range b.Pairs {
		if _, data := engine.UserKey(p.Key); !data {
			continue
		}
		if _, here := c.get(p.Key); here {
			c.put(string(p.Key), cached{value: append([]byte(nil), p.Value...), found: !p.Gone})
		}
	}
}
