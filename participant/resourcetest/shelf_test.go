package resourcetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/resourcetest"
)

// shelf is the toy's disk: what stands on it survives the toy.
type shelf struct {
	data     map[string]string
	promises map[name]promise
	proofs   map[name]txc.Fate
	hands    map[name]bool // of proofs: an operator's doing
	memory   participant.Memory
	open     map[name]*calls // with a fault: what calls work on
}

func newShelf(instance byte) *shelf {
	return &shelf{data: map[string]string{}, promises: map[name]promise{}, proofs: map[name]txc.Fate{}, hands: map[name]bool{}, open: map[name]*calls{},
		memory: participant.Memory{Instance: [16]byte{instance}}}
}

func (s *shelf) clone() *shelf {
	c := *s
	c.data, c.promises, c.proofs, c.hands = maps.Clone(s.data), maps.Clone(s.promises), maps.Clone(s.proofs), maps.Clone(s.hands)
	c.memory.Seen = slices.Clone(s.memory.Seen)
	return &c
}

const cluster = "toys"

// fresh is an empty toy with a fault.
func fresh(fault string) *resourcetest.Store {
	disk := newShelf(1)
	synced := disk.clone()
	opened := byte(1)
	return &resourcetest.Store{
		Cluster: cluster, Participant: "toy", Locks: true, Broken: []byte("nonsense"),
		Open: func() (participant.Resource, error) {
			if fault == "is another store at each opening" {
				opened++
				disk.memory.Instance = [16]byte{opened}
			}
			return &toy{s: disk, fault: fault}, nil
		},
		Crash: func(r participant.Resource) error {
			switch fault {
			case "promises in memory":
				clear(disk.promises)
			case "commits in memory":
				disk.data, disk.proofs = maps.Clone(synced.data), maps.Clone(synced.proofs)
			case "loses its stamp":
				disk.memory.Stamp = 1
			case "loses read locks in a crash":
				maps.DeleteFunc(disk.promises, func(_ name, p promise) bool { return p.Held })
			}
			return r.Close(context.Background())
		},
		Write:  func(key, value string) []byte { return fmt.Appendf(nil, "write %s=%s", key, value) },
		Call:   toyWrite,
		Read:   func(key string) []byte { return []byte("read " + key) },
		Refuse: func(key string) []byte { return []byte("refuse " + key) },
		Value: func(r participant.Resource, key string) (string, bool, error) {
			v, ok := disk.data[key]
			return v, ok, nil
		},
		Values: func(b []byte) (map[string]string, error) {
			m := map[string]string{}
			if len(b) == 0 {
				return m, nil
			}
			return m, json.Unmarshal(b, &m)
		},
		Foreign: func(r participant.Resource) (func() bool, error) {
			n := name{Cluster: "theirs", ID: txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}}
			disk.promises[n] = promise{Key: "theirs"}
			return func() bool { _, ok := disk.promises[n]; return ok }, nil
		},
	}
}
