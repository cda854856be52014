package main

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/txcpb"
)

const began = 1795168800000 // 2026-11-20T10:00:00Z

func committed(t *testing.T) *txcpb.TxReply {
	t.Helper()
	results, err := proto.Marshal(&txcpb.Results{Items: []*txcpb.Result{
		{Op: 1, Kind: "get", Key: []byte("bob"), Found: true, Value: []byte("30")},
		{Op: 2, Kind: "get", Key: []byte("carol")},
		{Op: 3, Kind: "get", Key: []byte{0xff}, Found: true, Value: []byte{0xfe}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := proto.Marshal(&txcpb.Results{Items: []*txcpb.Result{
		{Op: 0, Kind: "rows", Columns: []string{"id", "at"}, Table: []*txcpb.Row{{Values: []*txcpb.Value{
			{V: &txcpb.Value_Integer{Integer: 7}}, {V: &txcpb.Value_UnixUs{UnixUs: began * 1000}},
		}}, {Values: []*txcpb.Value{{V: &txcpb.Value_Null{Null: true}}, {V: &txcpb.Value_Binary{Binary: []byte{1}}}}}}},
		{Op: 1, Kind: "affected", Rows: 3},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return &txcpb.TxReply{
		Id: "c1.7.1042", Key: "order-4711", Outcome: txcpb.Outcome_COMMIT, Applied: true, Age: 5, Mark: 0xabc,
		Branches: []*txcpb.BranchReply{
			{Participant: "bank-a", Vote: txcpb.Vote_YES, State: "committed"},
			{Participant: "bank-b", Vote: txcpb.Vote_YES, State: "committed", Results: results},
			{Participant: "orders", Vote: txcpb.Vote_READ_ONLY, State: "read-only", Results: table},
		},
	}
}

func aborted() *txcpb.TxReply {
	no := &txcpb.Reason{Code: "refused", Text: "alice would have -10", Participant: "bank-a"}
	return &txcpb.TxReply{Id: "c1.7.1043", Outcome: txcpb.Outcome_ABORT, Reason: no, Mark: 0xabc, Branches: []*txcpb.BranchReply{
		{Participant: "bank-a", Vote: txcpb.Vote_NO, State: "aborted", Reason: no},
		{Participant: "bank-b", Vote: txcpb.Vote_YES, State: "aborted"},
	}}
}

func mixed() *txcpb.TxReply {
	return &txcpb.TxReply{Id: "c1.7.1044", Outcome: txcpb.Outcome_COMMIT, Heuristic: txcpb.Heuristic_MIXED, Branches: []*txcpb.BranchReply{
		{Participant: "bank-a", Vote: txcpb.Vote_YES, State: "committed"},
		{Participant: "bank-b", Vote: txcpb.Vote_YES, State: "heuristic-aborted", Reason: &txcpb.Reason{Code: "operator", Text: "ann: the branch was\nlost", Participant: "bank-b"}},
	}}
}

func detail(t *testing.T) *txcpb.Detail {
	return &txcpb.Detail{
		Tx: committed(t), State: "committing", BeganUnixMs: began, TookUs: 1200, Labels: map[string]string{"kind": "transfer"},
		WaitsFor: []string{"bank-b"}, Blocks: []string{"c1.7.1050"}, Partial: true,
		Timeline: []*txcpb.Moment{
			{UnixMs: began, What: "begun"},
			{UnixMs: began + 1, What: "decided", Text: "commit", Durable: true, Lsn: 99},
			{UnixMs: began + 2, What: "committed now", Participant: "bank-a"},
		},
	}
}

// says is a fake that answers every request well.
func says(t *testing.T) *fake {
	status := &txcpb.StatusReply{
		Version: "v1", Cluster: "txc", Coordinator: 1, Epoch: 7, Mark: 0xabc, Lsn: 123456, State: "waiting", WaitingFor: []string{"bank-b to show its witness"},
		Live: 3, InDoubt: 2, DiskFree: 5 << 30, DiskLow: true, Floor: "c1.6.9", StartedUnixMs: began,
		Limits: &txcpb.Limits{Branches: 64, TimeoutMs: 10_000, MaxTimeoutMs: 600_000},
	}
	return &fake{
		run:    func(*txcpb.RunRequest) (*txcpb.TxReply, error) { return committed(t), nil },
		begin:  func(*txcpb.BeginRequest) (*txcpb.TxReply, error) { return &txcpb.TxReply{Id: "c1.7.1"}, nil },
		enlist: func(*txcpb.EnlistRequest) (*txcpb.TxReply, error) { return &txcpb.TxReply{Id: "c1.7.1"}, nil },
		commit: func(*txcpb.EndRequest) (*txcpb.TxReply, error) { return mixed(), nil },
		abort:  func(*txcpb.EndRequest) (*txcpb.TxReply, error) { return aborted(), nil },
		outcome: func(r *txcpb.OutcomeRequest) (*txcpb.TxReply, error) {
			if r.GetKey() == "lost" {
				return &txcpb.TxReply{Key: "lost", Outcome: txcpb.Outcome_UNKNOWN, Older: true}, nil
			}
			return committed(t), nil
		},
		list: func(r *txcpb.ListRequest) (*txcpb.ListReply, error) {
			reply := &txcpb.ListReply{Transactions: []*txcpb.Detail{detail(t), {Tx: aborted(), State: "ended", EndedUnixMs: began}}, NextPage: "p2"}
			if len(r.GetStates()) > 0 {
				reply.NextPage = ""
				reply.Unreachable = []string{"ledger"}
				reply.InDoubt = []*txcpb.Reported{{Participant: "bank-b", Branch: &txcpb.InDoubt{
					Id: "c1.7.1042", Mark: 0xabc, SinceUnixMs: began, Members: []string{"bank-a", "bank-b"}, Settled: txcpb.Fate_ABORTED_NOW, Why: &txcpb.Reason{Code: "operator", Text: "ann"},
				}}}
			}
			return reply, nil
		},
		get:     func(*txcpb.GetRequest) (*txcpb.Detail, error) { return detail(t), nil },
		watched: []*txcpb.Detail{detail(t), {Tx: aborted(), State: "ended", EndedUnixMs: began}},
		members: func(*txcpb.ParticipantsRequest) (*txcpb.ParticipantsReply, error) {
			return &txcpb.ParticipantsReply{
				Registered: []*txcpb.RegisterRequest{{Name: "bank-a", Address: "127.0.0.1:1", Kind: "kv", Version: "1", Instance: make([]byte, 16), Incarnation: 9, Stamp: 5}, {Name: "bank-b", Address: "127.0.0.1:2", Instance: make([]byte, 16)}},
				States:     []string{"heard", "unheard"}, Loads: []uint32{2, 0}, Unreachable: []string{"bank-b"},
				Checks: []*txcpb.CheckReply{{Kind: "kv", Version: "1", InDoubt: 1, OldestMs: 1500, Locks: 4, Capabilities: []string{"batch"}, Findings: []*txcpb.Finding{{Name: "slow", Severity: "warn", Text: "its disk is slow"}}}, {}},
			}, nil
		},
		remove: func(*txcpb.RemoveRequest) (*txcpb.RegisterReply, error) {
			return &txcpb.RegisterReply{State: "draining"}, nil
		},
		resolve:     func(*txcpb.ResolveRequest) (*txcpb.Detail, error) { return detail(t), nil },
		acknowledge: func(*txcpb.ResolveRequest) (*txcpb.Detail, error) { return detail(t), nil },
		accept:      func(*txcpb.AcceptRequest) (*txcpb.StatusReply, error) { return status, nil },
		status:      func(*txcpb.StatusRequest) (*txcpb.StatusReply, error) { return status, nil },
		settle: func(*txcpb.ResolveRequest) (*txcpb.FateReply, error) {
			return &txcpb.FateReply{Fate: txcpb.Fate_COMMITTED_BEFORE}, nil
		},
	}
}

// transferText is a transaction to run.
const transferText = "key: order-4711\nlabels: {kind: transfer}\nbranches:\n- {participant: bank-a, kv: [{add: {key: alice, by: -30, min: 0}}]}\n- {participant: bank-b, kv: [{get: {key: bob}}]}\n"

func TestCommandsTellPeopleAndScripts(t *testing.T) {
	rows := []struct {
		name, def string
		exit      int
		args      string
	}{
		{"run", "transaction", 0, "run -f -"},
		{"begin", "transaction", 0, "begin --label kind=transfer"},
		{"enlist", "transaction", 0, "enlist c1.7.1 bank-a {\"get\":{\"key\":\"k\"}}"},
		{"commit", "transaction", 7, "commit c1.7.1044"},
		{"abort", "transaction", 0, "abort c1.7.1043 --reason changed"},
		{"list", "list", 0, "list"},
		{"list-in-doubt", "list", 7, "list --state in-doubt"},
		{"show", "detail", 0, "show c1.7.1042"},
		{"show-key", "detail", 0, "show --key order-4711"},
		{"show-lost", "detail", 0, "show --key lost"},
		{"watch", "detail", 0, "watch"},
		{"participants", "participants", 7, "participants"},
		{"remove", "removed", 0, "participants remove bank-b --reason moved --who ann"},
		{"status", "status", 0, "status"},
		{"resolve", "detail", 0, "resolve c1.7.1042 --participant bank-b --outcome committed --reason gone --who ann"},
		{"settle", "settled", 7, "resolve c1.7.1042 --participant bank-b --outcome abort --reason gone --at ADDR"},
		{"acknowledge", "detail", 0, "acknowledge c1.7.1042 --reason repaired --who ann"},
		{"accept", "status", 0, "accept gone bank-b --reason burnt --who ann"},
	}
	address := says(t).serve(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			args := strings.Fields(row.args)
			real := append(strings.Fields(strings.ReplaceAll(row.args, "ADDR", address)), "--coordinator", address)
			stdout, stderr, exit := command(t, transferText, real...)
			text := shown(args, stdout, stderr, exit)
			if exit != row.exit {
				t.Errorf("exit code %d, want %d: %s", exit, row.exit, stderr)
			}
			stdout, stderr, exit = command(t, transferText, append(real, "-o", "json")...)
			if exit != row.exit {
				t.Errorf("exit code %d with -o json, want %d: %s", exit, row.exit, stderr)
			}
			valid(t, row.def, stdout)
			golden(t, row.name+".txt", text+shown(append(args, "-o", "json"), stdout, stderr, exit))
		})
	}
}

func TestWhatIsAskedFor(t *testing.T) {
	f := says(t)
	var run *txcpb.RunRequest
	var begin *txcpb.BeginRequest
	var list *txcpb.ListRequest
	f.run = func(r *txcpb.RunRequest) (*txcpb.TxReply, error) { run = r; return committed(t), nil }
	f.begin = func(r *txcpb.BeginRequest) (*txcpb.TxReply, error) {
		begin = r
		return &txcpb.TxReply{Id: "c1.7.1"}, nil
	}
	f.list = func(r *txcpb.ListRequest) (*txcpb.ListReply, error) { list = r; return &txcpb.ListReply{}, nil }
	address := f.serve(t)
	if _, stderr, exit := command(t, transferText, "run", "-f", "-", "--wait", "decided", "--timeout", "100us", "--key", "k", "--label", "a=b,c", "-c", address); exit != 0 {
		t.Fatal(stderr)
	}
	want := &txcpb.BeginRequest{Key: "k", TimeoutMs: 1, Labels: map[string]string{"kind": "transfer", "a": "b,c"}}
	if !proto.Equal(run.GetBegin(), want) || run.GetWait() != txcpb.Wait_DECIDED || len(run.GetBranches()) != 2 {
		t.Errorf("run: %v", run)
	}
	if _, stderr, exit := command(t, "", "begin", "-c", address); exit != 0 || begin.GetTimeoutMs() != 300_000 || begin.GetOwnKey() || begin.GetKey() != "" {
		t.Errorf("begin: %v, %s", begin, stderr)
	}
	if _, stderr, exit := command(t, "", "begin", "--timeout", "100us", "-c", address); exit != 0 || begin.GetTimeoutMs() != 1 {
		t.Errorf("a timeout below the wire's unit became the default: %v, %s", begin, stderr)
	}
	if _, stderr, exit := command(t, "", "list", "--state", "ended", "--state", "mixed", "--since", "10m", "--participant", "bank-a", "--label", "a=b", "--limit", "7", "--page", "x", "-c", address); exit != 0 {
		t.Fatal(stderr)
	}
	if !proto.Equal(list, &txcpb.ListRequest{States: []string{"ended", "mixed"}, SinceUnixMs: began + 1 - 600_000, Participant: "bank-a", Labels: map[string]string{"a": "b"}, Limit: 7, Page: "x"}) {
		t.Errorf("list: %v", list)
	}
}

// Every code of the wire, in a refusal of each request that can have one, ends with its own exit code and its object.
func TestRefusalsBearIdAndKey(t *testing.T) {
	rows := []struct {
		code txc.Code
		grpc codes.Code
		exit int
	}{
		{txc.CodeUnknownParticipant, codes.InvalidArgument, 2},
		{txc.CodeTooLarge, codes.InvalidArgument, 2},
		{txc.CodeBadTimeout, codes.InvalidArgument, 2},
		{txc.CodeKeyReused, codes.AlreadyExists, 2},
		{txc.CodeNotFound, codes.NotFound, 6},
		{txc.CodeWrongState, codes.InvalidArgument, 2},
		{txc.CodeWaiting, codes.Unavailable, 5},
		{txc.CodeDraining, codes.Unavailable, 5},
		{txc.CodeDiskLow, codes.Unavailable, 5},
	}
	for _, row := range rows {
		t.Run(string(row.code), func(t *testing.T) {
			err := refusal(row.grpc, row.code, "it says why")
			f := &fake{
				run:    func(*txcpb.RunRequest) (*txcpb.TxReply, error) { return nil, err },
				commit: func(*txcpb.EndRequest) (*txcpb.TxReply, error) { return nil, err },
				get:    func(*txcpb.GetRequest) (*txcpb.Detail, error) { return nil, err },
			}
			address := f.serve(t)
			for _, args := range [][]string{{"run", "-f", "-", "--timeout", "50ms"}, {"commit", "c1.7.1042"}, {"show", "c1.7.1042"}} {
				stdout, stderr, exit := command(t, transferText, append(args, "-o", "json", "-c", address)...)
				if exit != row.exit || stderr != "" {
					t.Errorf("%v: exit code %d, want %d; %s", args, exit, row.exit, stderr)
				}
				valid(t, "error", stdout)
				o := decode[struct {
					ID, Key string
					Error   struct{ Code string }
				}](t, stdout)
				if o.Error.Code != string(row.code) || args[0] == "run" && o.Key != "order-4711" || args[0] != "run" && o.ID != "c1.7.1042" {
					t.Errorf("%v: %s", args, stdout)
				}
			}
		})
	}
}
