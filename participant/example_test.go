package participant_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

// A store behind an adapter becomes a participant with Open. Here the coordinator's part is played by hand: a hello, a
// Prepare, and the decision.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "toy")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	toy, err := OpenToy(filepath.Join(dir, "toy.json"))
	if err != nil {
		panic(err)
	}
	agent, err := participant.Open(ctx, toy, nil, participant.Options{Name: "toy"})
	if err != nil {
		panic(err)
	}
	defer agent.Close(ctx)

	heard := make(chan participant.Message, 8)
	link := participant.InProcess(agent, func(_ bool, batch []participant.Message) {
		for _, m := range batch {
			heard <- m
		}
	})
	defer link.Close()
	us := &protocol.Sender{Cluster: "txc", Coordinator: 1, Epoch: 1, Mark: 4711, LSN: 1}
	say := func(id txc.ID, body protocol.Body) protocol.Body {
		link.Send([]participant.Message{{From: us, ID: id, Mark: us.Mark, Body: body}})
		return (<-heard).Body
	}

	welcome := say(txc.ID{}, protocol.Hello{}).(protocol.Welcome)
	id := txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}
	vote := say(id, protocol.Prepare{Incarnation: welcome.Incarnation, TimeLeft: time.Second, Members: []string{"toy"}, Work: []byte("alice=30")})
	fmt.Printf("vote: %s, value: %q\n", vote.(protocol.Vote).Vote, toy.Value("alice"))
	fate := say(id, protocol.Commit{})
	fmt.Printf("fate: %s, value: %q\n", fate.(protocol.Fated).Fate, toy.Value("alice"))
	// Output:
	// vote: yes, value: ""
	// fate: committed now, value: "30"
}
