package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc/api/txcpb"
)

const minute = 60_000

// ill is a site where everything is wrong that doctor knows of.
func ill() *fake {
	log := &txcpb.CheckReply{Kind: "log", Version: "badger v4", FileSystem: "tmpfs", SyncUs: 1, Findings: []*txcpb.Finding{{Name: "disk-volatile", Severity: "warn", Text: "it is kept on tmpfs"}}}
	id := func(n string) *txcpb.InDoubt {
		return &txcpb.InDoubt{Id: "c1.7." + n, SinceUnixMs: began - minute, Members: []string{"bank-a", "bank-b"}}
	}
	settled, young, behind := id("4"), id("5"), id("6")
	settled.Settled, settled.Why = txcpb.Fate_COMMITTED_BEFORE, &txcpb.Reason{Code: "operator", Text: "ann: she knows"}
	young.SinceUnixMs = began - 1000
	behind.SinceUnixMs = began - minute - 10_000 // by a clock that is 65 s behind: it is 5 s before that of the coordinator
	f := &fake{
		status: func(*txcpb.StatusRequest) (*txcpb.StatusReply, error) {
			return &txcpb.StatusReply{
				Version: "1.2.0", Cluster: "txc", Coordinator: 1, Epoch: 7, State: "refusing", DiskFree: 5 << 20, DiskLow: true, NowUnixUs: began * 1000, Log: log,
				ProtocolMin: 1, ProtocolMax: 2, WaitingFor: []string{"bank-c is quarantined: its store is another one", "bank-b has not been heard", "bank-a has seen record 9, the log ends at 7"},
			}, nil
		},
		members: func(*txcpb.ParticipantsRequest) (*txcpb.ParticipantsReply, error) {
			r := &txcpb.ParticipantsReply{
				States: []string{"heard", "unheard", "quarantined", "draining", "unheard", "gone"}, Loads: make([]uint32, 6), Unreachable: []string{"bank-b", "bank-c", "bank-f"},
				AheadUs: []int64{0, 0, 0, -65_000_000, 0, 0}, WithinUs: []uint64{400, 0, 0, 400, 0, 0},
				Checks: []*txcpb.CheckReply{
					{Kind: "postgres", Version: "16.1", InDoubt: 3, OldestMs: minute, Slots: 100, SlotsFree: 19, Foreign: 2, ProtocolMin: 1, ProtocolMax: 1,
						Findings: []*txcpb.Finding{{Name: "postgres-fsync", Severity: "refuse", Text: "fsync is off", Waived: true}, {Name: "odd", Severity: "new", Text: "of a later release"}}},
					{}, {}, {Kind: "kv", Version: "badger v4", FileSystem: "ext4", SyncUs: 700}, {Kind: "kv", ProtocolMin: 3, ProtocolMax: 4}, {},
				},
			}
			for _, name := range []string{"bank-a", "bank-b", "bank-c", "bank-d", "bank-e", "bank-f"} {
				r.Registered = append(r.Registered, &txcpb.RegisterRequest{Name: name, Address: "127.0.0.1:1", Kind: "kv", Version: "1.2.0", Instance: make([]byte, 16)})
			}
			return r, nil
		},
		list: func(*txcpb.ListRequest) (*txcpb.ListReply, error) {
			odd := mixed()
			odd.Branches[0].State = "heuristic-aborted"
			return &txcpb.ListReply{
				Transactions: []*txcpb.Detail{
					{Tx: &txcpb.TxReply{Id: "c1.7.2", Outcome: txcpb.Outcome_COMMIT}, State: "committing", BeganUnixMs: began - minute, WaitsFor: []string{"the acknowledgement of bank-b"}},
					{Tx: &txcpb.TxReply{Id: "c1.7.1", Outcome: txcpb.Outcome_COMMIT}, State: "committing", BeganUnixMs: began - 10, WaitsFor: []string{"the acknowledgement of bank-b"}},
					{Tx: odd, State: "committing", BeganUnixMs: began - minute, WaitsFor: []string{"an operator"}},
				},
				InDoubt: []*txcpb.Reported{
					{Participant: "bank-a", Branch: id("2")}, {Participant: "bank-a", Branch: id("3")}, {Participant: "bank-a", Branch: settled},
					{Participant: "bank-a", Branch: young}, {Participant: "bank-d", Branch: behind},
				},
			}, nil
		},
	}
	return f
}

func TestDoctorFindsAndTells(t *testing.T) {
	address := ill().serve(t)
	stdout, stderr, exit := command(t, "", "doctor", "-c", address)
	text := shown([]string{"doctor"}, stdout, stderr, exit)
	stdout, stderr, exit = command(t, "", "doctor", "-o", "json", "-c", address)
	valid(t, "doctor", stdout)
	golden(t, "doctor.txt", text+shown([]string{"doctor", "-o", "json"}, stdout, stderr, exit))
	o := decode[doctorObject](t, stdout)
	var names []string
	docs, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range o.Findings {
		names = append(names, strings.TrimSpace(d.Participant+" "+d.ID)+" "+d.Name)
		if d.Name != "postgres-fsync" && d.Name != "odd" && !strings.Contains(string(docs), "`"+d.Name+"`") {
			t.Errorf("docs/json.md says nothing of %s", d.Name)
		}
	}
	want := []string{
		" not-serving", " disk-low", " waits", " disk-volatile",
		"bank-a slots", "bank-a foreign", "bank-a postgres-fsync", "bank-a odd", "bank-b unreachable", "bank-c quarantined",
		"bank-d draining", "bank-d clock", "bank-e unheard", "bank-e protocol",
		"bank-a c1.7.2 in-doubt", "bank-a c1.7.3 orphan", "bank-a c1.7.4 settled",
		"c1.7.2 incomplete", "c1.7.1044 mixed",
	}
	if !slices.Equal(names, want) {
		t.Errorf("found %q\nwant  %q", names, want)
	}
	if exit != 7 || o.Healthy {
		t.Errorf("exit code %d, healthy %v", exit, o.Healthy)
	}
}

// What is only worth knowing, and what was waived, is shown and does not count.
func TestDoctorIsContentWithInfo(t *testing.T) {
	for _, d := range []diagnosisObject{{Severity: "info"}, {Severity: "refuse", Waived: true}} {
		if !healthy([]diagnosisObject{d}) {
			t.Errorf("%+v counts", d)
		}
	}
	if healthy([]diagnosisObject{{Severity: "info"}, {Severity: "warn"}}) {
		t.Error("a warning does not count")
	}
}

func TestDoctorSaysHowManyItLeftOut(t *testing.T) {
	v := visit{stale: time.Second, status: &txcpb.StatusReply{State: "serving", NowUnixUs: began * 1000}, members: &txcpb.ParticipantsReply{}, running: &txcpb.ListReply{}}
	for range maxListed + 5 {
		v.running.InDoubt = append(v.running.InDoubt, &txcpb.Reported{Participant: "bank-a", Branch: &txcpb.InDoubt{Id: "c1.7.3", SinceUnixMs: began - minute}})
	}
	all := v.diagnose()
	if len(all) != maxListed+1 || all[maxListed].Text != "and 5 more" {
		t.Errorf("%d findings, the last %+v", len(all), all[len(all)-1])
	}
}

func TestDoctorAsksRealServers(t *testing.T) {
	b := newSite(t, "bank-a", "bank-b")
	b.must(0, deposit, "run", "-f", "-")
	stdout, stderr, exit := b.txc("", "doctor", "-o", "json")
	valid(t, "doctor", stdout)
	o := decode[doctorObject](t, stdout)
	if o.Coordinator.Log == nil || o.Coordinator.Log.Sync == nil || o.Coordinator.Log.FileSystem == "" || o.Coordinator.Now == nil {
		t.Errorf("nothing is said of the log: %s", stdout)
	}
	if o.Coordinator.Log != nil && o.Coordinator.Log.FileSystem == "tmpfs" { // then that is all that may be found
		o.Findings = slices.DeleteFunc(o.Findings, func(d diagnosisObject) bool { return d.Name == "disk-volatile" })
		o.Healthy, exit = healthy(o.Findings), 0
	}
	if exit != 0 || !o.Healthy || len(o.Findings) > 0 {
		t.Errorf("all is well, but exit code %d: %s%s", exit, stdout, stderr)
	}
	for _, x := range o.Participants {
		if x.Check == nil || x.Check.Sync == nil || x.Within == nil || x.Ahead == nil || x.Check.ProtocolMax == 0 || x.Check.Slots == 0 {
			t.Errorf("%s: %+v", x.Name, x.Check)
		}
	}
	b.members["bank-b"].stop(t)
	b.until("doctor misses bank-b", func() bool {
		stdout, _, exit := b.txc("", "doctor", "-o", "json")
		o := decode[doctorObject](t, stdout)
		return exit == 7 && slices.ContainsFunc(o.Findings, func(d diagnosisObject) bool {
			return d.Name == "unreachable" && d.Participant == "bank-b" && d.Todo != ""
		})
	})
	b.coordinator.stop(t)
	if stdout, _, exit := b.txc("", "doctor", "-o", "json", "--patience", "200ms"); exit != 5 {
		t.Errorf("without a coordinator: exit code %d", exit)
	} else {
		valid(t, "error", stdout)
	}
}
