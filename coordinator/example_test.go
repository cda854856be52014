package coordinator_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/wal/mem"
)

// A coordinator inside a program, with a participant of the same process: no network, no flags. A program that means it
// keeps its log with badgerwal.Open (see examples/embed); errors are looked at there, too.
func Example() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "shelf")
	defer os.RemoveAll(dir)
	store, _ := kv.Open(ctx, dir, kv.Options{Cluster: "txc", Name: "shelf", Ballast: -1})
	shelf, _ := participant.Open(ctx, store, nil, participant.Options{Name: "shelf"})
	defer shelf.Close(ctx)

	log, recovery, _ := mem.Open(mem.NewDisk(), mem.Options{Cluster: "txc", Number: 1, Mark: 1, Now: time.Now})
	dial := func(_ coordinator.Peer, receive func(bool, []coordinator.Message)) (coordinator.Link, error) {
		return participant.InProcess(shelf, receive), nil
	}
	c, _ := coordinator.Open(ctx, log, recovery, dial, coordinator.Options{})
	defer c.Close(ctx)
	c.Register(ctx, shelf.Peer())
	c.Await(ctx, "shelf")

	for _, take := range []int64{3, 2} {
		work, _ := kv.Ops(kv.Add("lamps", 4).Max(4), kv.Add("lamps", -take).Min(0)).MarshalWork()
		r, _ := c.Run(ctx, coordinator.Request{Work: []coordinator.Work{{Participant: "shelf", Work: work}}})
		fmt.Println(r.ID, r.Outcome)
	}
	// Output:
	// c1.1.1 committed
	// c1.1.2 aborted
}
