package rpc_test

import (
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/api/txcpb"
)

func TestOperatorSeesAndActs(t *testing.T) {
	v := newTown(t, "a", "b")
	o := txcpb.NewOperatorClient(v.dial())
	tx, err := v.caller().Do(within(t), frame.Run{Begin: frame.Begin{Key: "k", Labels: map[string]string{"kind": "test"}}, Branches: works("a", "put x 1", "b", "put y 2")})
	committed(t, tx, err)

	list, err := o.List(within(t), &txcpb.ListRequest{Labels: map[string]string{"kind": "test"}})
	if err != nil || len(list.GetTransactions()) != 1 || list.GetTransactions()[0].GetTx().GetId() != tx.ID.String() {
		t.Fatalf("%v: %v", list, err)
	}
	d, err := o.Get(within(t), &txcpb.GetRequest{Id: tx.ID.String()})
	if err != nil || d.GetTx().GetOutcome() != txcpb.Outcome_COMMIT || len(d.GetTimeline()) == 0 || d.GetLabels()["kind"] != "test" || d.GetBeganUnixMs() == 0 {
		t.Fatalf("%v: %v", d, err)
	}
	_, err = o.Get(within(t), &txcpb.GetRequest{Id: "c1.1.999999"})
	wantCode(t, rpc.FromStatus(err), txc.ErrNotFound, txc.CodeNotFound)

	p, err := o.Participants(within(t), &txcpb.ParticipantsRequest{})
	if err != nil || len(p.GetRegistered()) != 2 || len(p.GetChecks()) != 2 || p.GetChecks()[0].GetKind() != "shop" || len(p.GetStates()) != 2 || len(p.GetUnreachable()) != 0 {
		t.Fatalf("%v: %v", p, err)
	}
	st, err := o.Status(within(t), &txcpb.StatusRequest{})
	if err != nil || st.GetCluster() != "txc" || st.GetCoordinator() != 1 || st.GetState() != "serving" || st.GetLimits().GetBranches() != txc.MaxBranches {
		t.Fatalf("%v: %v", st, err)
	}
}

// After a restart the log tells that it ended, but not when: what is not known is not made up from the present time.
func TestHowLongItTookIsNotMadeUp(t *testing.T) {
	v := newTown(t, "a")
	tx, err := v.caller().Do(within(t), frame.Run{Branches: works("a", "put x 1")})
	committed(t, tx, err)
	next, err := v.caller().Do(within(t), frame.Run{Branches: works("a", "put x 2")}) // what is lazy goes with what is forced
	committed(t, next, err)
	o := func() txcpb.OperatorClient { return txcpb.NewOperatorClient(v.dial()) }
	get := func(o txcpb.OperatorClient) *txcpb.Detail {
		d, err := o.Get(within(t), &txcpb.GetRequest{Id: tx.ID.String()})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := o()
	v.until("its end is written", func() bool { return get(before).GetState() == "ended" })
	d := get(before)
	if took := time.Duration(d.GetTookUs()) * time.Microsecond; took <= 0 || d.GetEndedUnixMs() == 0 {
		t.Errorf("took %v, %v", took, d)
	}
	v.halt()
	v.open()
	after := o()
	v.until("it is known", func() bool { return get(after).GetState() == "ended" })
	if d := get(after); d.GetTookUs() != 0 || d.GetEndedUnixMs() != 0 || !d.GetPartial() {
		t.Errorf("%v", d)
	}
}

func TestInDoubtIsJoinedWithWhatParticipantsReport(t *testing.T) {
	v := mixed(t)
	c := v.caller()
	ended := make(chan error, 1)
	go func() {
		_, err := c.Do(within(t), frame.Run{Begin: frame.Begin{}, Branches: works("a", "block", "b", "put y 2")})
		ended <- err
	}()
	<-v.shops["a"].store.blocked
	v.until("b has promised", func() bool { return v.shops["b"].store.doubts() == 1 })
	o := txcpb.NewOperatorClient(v.dial())
	list, err := o.List(within(t), &txcpb.ListRequest{States: []string{"in-doubt"}})
	if err != nil || len(list.GetInDoubt()) != 1 || list.GetInDoubt()[0].GetParticipant() != "b" || len(list.GetUnreachable()) != 0 {
		t.Fatalf("%v: %v", list, err)
	}
	v.shops["a"].close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	v.until("a cannot be asked, and the list says so", func() bool {
		list, err := o.List(within(t), &txcpb.ListRequest{States: []string{"in-doubt"}})
		return err == nil && len(list.GetUnreachable()) == 1 && list.GetUnreachable()[0] == "a"
	})
}

func TestWatchTellsOfChanges(t *testing.T) {
	v := newTown(t, "a")
	st, err := txcpb.NewOperatorClient(v.dial()).Watch(within(t), &txcpb.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	c := v.caller()
	told := make(chan *txcpb.Detail, 64)
	go func() {
		defer close(told)
		for {
			d, err := st.Recv()
			if err != nil {
				return
			}
			told <- d
		}
	}()
	for { // the watch begins some time after its call was sent
		tx, err := c.Do(within(t), frame.Run{Branches: works("a", "put x 1")})
		committed(t, tx, err)
		select {
		case d := <-told:
			if d.GetTx().GetId() == "" || d.GetState() == "" {
				t.Fatalf("%v", d)
			}
			v.hall.server.Close(within(t))
			for range told { // until the stream has ended
			}
			return
		default:
		}
	}
}

func TestSettleAtTheParticipant(t *testing.T) {
	v := newTown(t, "a", "b")
	c := v.caller()
	ended := make(chan frame.Tx, 1)
	go func() {
		tx, err := c.Do(within(t), frame.Run{Branches: works("a", "block", "b", "put y 2")})
		if err != nil {
			t.Error(err)
		}
		ended <- tx
	}()
	<-v.shops["a"].store.blocked
	v.until("b has promised", func() bool { return v.shops["b"].store.doubts() == 1 })
	conn, err := rpc.Dial(v.shops["b"].address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := txcpb.NewParticipantClient(conn)
	_, err = p.Settle(within(t), &txcpb.ResolveRequest{Id: "c1.1.1", Participant: "b", Outcome: txcpb.Outcome_ABORT})
	wantCode(t, rpc.FromStatus(err), txc.ErrInvalid, txc.CodeBadWork)
	r, err := p.Settle(within(t), &txcpb.ResolveRequest{Id: "c1.1.1", Participant: "b", Outcome: txcpb.Outcome_ABORT, Who: "ann", Reason: "test"})
	if err != nil || r.GetFate() == 0 {
		t.Fatalf("%v: %v", r, err)
	}
	v.shops["a"].close()
	<-ended
}
