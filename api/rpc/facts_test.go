package rpc_test

import (
	"slices"
	"testing"

	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
)

// What reconcile asks: proofs page by page at the participant, and what the coordinator has recorded of them.
func TestProofsAndFacts(t *testing.T) {
	v := newTown(t, "a")
	c := v.caller()
	var ids []string
	for range 5 {
		tx, err := c.Do(within(t), frame.Run{Branches: works("a", "put x 1")})
		committed(t, tx, err)
		ids = append(ids, frame.FormatProof(protocol.Proof{ID: tx.ID, Mark: tx.Mark}))
	}
	o := txcpb.NewOperatorClient(v.dial())
	st, err := o.Status(within(t), &txcpb.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	members, err := o.Participants(within(t), &txcpb.ParticipantsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := rpc.Dial(members.GetRegistered()[0].GetAddress())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := txcpb.NewParticipantClient(conn)
	look := &txcpb.RecoverRequest{From: &txcpb.Sender{Cluster: st.GetCluster(), Coordinator: 1, Epoch: st.GetEpoch(), Mark: st.GetMark()}, Participant: "a", Look: true, Proofs: 2}
	var shown []string
	for pages := 0; ; pages++ {
		reply, err := p.Recover(within(t), look)
		if err != nil || !reply.GetProofsTold() || len(reply.GetCommitted()) > 2 || pages > 5 {
			t.Fatalf("page %d: %v, %v", pages, reply, err)
		}
		shown = append(shown, reply.GetCommitted()...)
		if look.Page = reply.GetNextPage(); look.Page == "" {
			break
		}
	}
	if len(shown) == 0 || len(shown) > len(ids) || !slices.Equal(shown, ids[len(ids)-len(shown):]) { // the first may be forgotten already (P5)
		t.Errorf("proofs %v of %v", shown, ids)
	}
	look.Page = "nonsense"
	if _, err := p.Recover(within(t), look); err == nil {
		t.Error("a page that is none was taken")
	}
	facts, err := o.Facts(within(t), &txcpb.FactsRequest{Ids: append(ids, "c1.1.99999.00000000000000aa")})
	if err != nil || len(facts.GetFacts()) != 6 || facts.GetFacts()[0].GetStanding() != "committed" || facts.GetFacts()[5].GetStanding() != "foreign" {
		t.Errorf("%v, %v", facts, err)
	}
	for _, bad := range []*txcpb.FactsRequest{{Ids: []string{"c1.1.1"}}, {Unfinished: true, Page: "x"}} {
		if _, err := o.Facts(within(t), bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if reply, err := o.Facts(within(t), &txcpb.FactsRequest{Unfinished: true}); err != nil || reply.GetNextPage() != "" {
		t.Errorf("%v, %v", reply, err)
	}
}
