package frame_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
)

func marshal(f *txcpb.Frame) []byte { return must(proto.Marshal(f)) }

func entry(e *txcpb.Entry) []byte { return marshal(&txcpb.Frame{Entries: []*txcpb.Entry{e}}) }

func TestReadersRefuseWhatBreaksTheStream(t *testing.T) {
	prepare := func(p *txcpb.PrepareRequest) []byte {
		return entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Prepare{Prepare: p}})
	}
	many := make([]string, txc.MaxBranches+1)
	for i := range many {
		many[i] = strings.Repeat("b", i%47+1) + string(rune('a'+i/47))
	}
	open := make([]uint64, txc.MaxOpen+1)
	for i := range open {
		open[i] = 1
	}
	for _, row := range []struct {
		name string
		leg  func() leg
		b    []byte
	}{
		{"a prepare without an id", toParticipant, entry(&txcpb.Entry{What: &txcpb.Entry_Prepare{Prepare: &txcpb.PrepareRequest{}}})},
		{"a list with an id", toParticipant, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_List{List: &txcpb.RecoverRequest{}}})},
		{"a mark without its epoch", toParticipant, entry(&txcpb.Entry{Sequence: 1, Mark: 5, What: &txcpb.Entry_Commit{Commit: &txcpb.CommitRequest{}}})},
		{"work above the limit", toParticipant, prepare(&txcpb.PrepareRequest{Work: make([]byte, txc.MaxWork+1)})},
		{"more members than branches", toParticipant, prepare(&txcpb.PrepareRequest{Members: many})},
		{"a member named twice", toParticipant, prepare(&txcpb.PrepareRequest{Members: []string{"a", "a"}})},
		{"a member that is no name", toParticipant, prepare(&txcpb.PrepareRequest{Members: []string{"Bank A"}})},
		{"a text id beside the sequence", toParticipant, prepare(&txcpb.PrepareRequest{Id: "c1.7.1"})},
		{"evidence above the limit", toParticipant, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Commit{Commit: &txcpb.CommitRequest{Evidence: make([]byte, 257)}}})},
		{"a vote to a participant", toParticipant, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Vote{Vote: &txcpb.PrepareReply{}}})},
		{"a prepare to a coordinator", toCoordinator, prepare(&txcpb.PrepareRequest{})},
		{"a run to a participant", toParticipant, entry(&txcpb.Entry{N: 1, What: &txcpb.Entry_Run{Run: &txcpb.RunRequest{}}})},
		{"a vote to a server", toServer, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Vote{Vote: &txcpb.PrepareReply{}}})},
		{"a run to a client", toClient, entry(&txcpb.Entry{N: 1, What: &txcpb.Entry_Run{Run: &txcpb.RunRequest{}}})},
		{"a sender of another epoch", toParticipant, marshal(&txcpb.Frame{From: &txcpb.Sender{Cluster: "txc", Coordinator: 1, Epoch: 8, Mark: 0xfeed}})},
		{"a sender from a participant", toCoordinator, marshal(&txcpb.Frame{From: &txcpb.Sender{Lsn: 8}})},
		{"open ids without a watermark", toParticipant, marshal(&txcpb.Frame{From: &txcpb.Sender{Lsn: 8, OpenSequences: []uint64{1}}})},
		{"more open ids than the limit", toParticipant, marshal(&txcpb.Frame{From: &txcpb.Sender{Lsn: 8, WatermarkSequence: 9, OpenSequences: open}})},
		{"open ids that do not ascend", toParticipant, marshal(&txcpb.Frame{From: &txcpb.Sender{Lsn: 8, WatermarkSequence: 9, Open: []string{"c1.6.2", "c1.6.1"}}})},
		{"open ids of another coordinator", toParticipant, marshal(&txcpb.Frame{From: &txcpb.Sender{Lsn: 8, WatermarkSequence: 9, Open: []string{"c2.6.2"}}})},
		{"a second hello", toParticipant, marshal(&txcpb.Frame{Hello: &txcpb.Hello{VersionMin: 1, VersionMax: 1}})},
		{"text that is not UTF-8", toServer, []byte{0x1a, 7, 0x9a, 2, 4, 0x12, 2, 0xff, 0xfe}},
		{"a branch in doubt without its id", toCoordinator, entry(&txcpb.Entry{What: &txcpb.Entry_Listed{Listed: &txcpb.RecoverReply{InDoubt: []*txcpb.InDoubt{{}}}}})},
		{"a witness without an epoch", toCoordinator, entry(&txcpb.Entry{What: &txcpb.Entry_Listed{Listed: &txcpb.RecoverReply{Seen: []*txcpb.Seen{{Lsn: 1}}}}})},
		{"a frame above the limit", toServer, make([]byte, frame.MaxFrame+1)},
		{"a frame cut short", toServer, []byte{0x1a, 9, 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, err := row.leg().read(row.b); !errors.Is(err, txc.ErrInvalid) {
				t.Fatalf("taken (%v): %s", err, got)
			}
		})
	}
}

func TestReadersTakeTheCarefulMeaning(t *testing.T) {
	for _, row := range []struct {
		name, want string
		leg        func() leg
		b          []byte
	}{
		{"P8: an unknown vote is none", `"Vote":0`, toCoordinator, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Vote{Vote: &txcpb.PrepareReply{Vote: 99}}})},
		{"P8: an unknown fate is no answer", `"Fate":0`, toCoordinator, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Fate{Fate: &txcpb.FateReply{Fate: -1}}})},
		{"P8: an unknown outcome is undecided", `"Outcome":0`, toParticipant, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Answer{Answer: &txcpb.InquireReply{Outcome: 6}}})},
		{"absent work closes a joined branch", `"Joined":true`, toParticipant, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Prepare{Prepare: &txcpb.PrepareRequest{}}})},
		{"empty work is shipped", `"Joined":false`, toParticipant, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Prepare{Prepare: &txcpb.PrepareRequest{Work: []byte{}}}})},
		{"a code that is not in the table is not retryable", `"Retryable":false`, toCoordinator, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Vote{Vote: &txcpb.PrepareReply{Vote: 1, Reason: &txcpb.Reason{Code: "full_moon", Retryable: true}}}})},
		{"C3: a yes whose evidence is too long is a No that is not certain", `"Vote":1`, toCoordinator, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Vote{Vote: &txcpb.PrepareReply{Vote: 2, Certain: true, Evidence: make([]byte, 257)}}})},
		{"an entry of a later version is skipped", "", toParticipant, []byte{0x1a, 6, 0x10, 1, 0x9a, 6, 1, 7}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := row.leg().read(row.b)
			if err != nil || !strings.Contains(got, row.want) || row.want == "" && got != "" {
				t.Fatalf("read %q (%v), want %s", got, err, row.want)
			}
		})
	}
}

func TestHelloThatDisagreesIsRefused(t *testing.T) {
	hello := func(cluster, name string, min, max uint32) []byte {
		return marshal(&txcpb.Frame{Hello: &txcpb.Hello{VersionMin: min, VersionMax: max, Name: name,
			From: &txcpb.Sender{Cluster: cluster, Coordinator: 1, Epoch: 1, Mark: 2}}})
	}
	for _, row := range []struct {
		name, want string
		b          []byte
	}{
		{"another cluster", `cluster "other"`, hello("other", "bank-a", 1, 1)},
		{"another name", `means "bank-b"`, hello("txc", "bank-b", 1, 1)},
		{"a newer version", "upgrade the older", hello("txc", "bank-a", 2, 3)},
		{"no version", "upgrade the older", hello("txc", "bank-a", 0, 0)},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := frame.NewMessageReader(frame.AtParticipant, "txc", "bank-a").Read(row.b, nil)
			if !errors.Is(err, frame.ErrDisagree) || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v, want ErrDisagree and %q", err, row.want)
			}
		})
	}
	t.Run("another participant answers", func(t *testing.T) {
		_, _, _, answer := hellos()
		r := frame.NewMessageReader(frame.AtCoordinator, "txc", "bank-b")
		r.Opened(opening)
		if _, err := r.Read(answer, nil); !errors.Is(err, frame.ErrDisagree) {
			t.Fatalf("got %v, want ErrDisagree", err)
		}
	})
	t.Run("nothing is read before the hello", func(t *testing.T) {
		r := frame.NewMessageReader(frame.AtParticipant, "txc", "bank-a")
		for _, b := range [][]byte{nil, entry(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Abort{Abort: &txcpb.CommitRequest{}}})} {
			if _, err := r.Read(b, nil); !errors.Is(err, txc.ErrInvalid) {
				t.Fatalf("%x was taken (%v)", b, err)
			}
		}
	})
}

func TestWriterFillsFramesUpToTheBound(t *testing.T) {
	w, _, hello, _ := hellos()
	batch := make([]protocol.Message, 12)
	for i := range batch {
		later := *from // the sender changes with each, so also with those that no longer fit
		later.LSN += uint64(i)
		batch[i] = protocol.Message{From: &later, ID: seq(uint64(i + 1)), Mark: 0xfeed, Body: protocol.Prepare{Work: make([]byte, 200<<10)}}
	}
	sent, err := frames(batch, w.Append)
	if err != nil || len(sent) != 3 {
		t.Fatalf("%d frames (%v), want 3", len(sent), err)
	}
	r := frame.NewMessageReader(frame.AtParticipant, "txc", "bank-a")
	must(r.Read(hello, nil))
	var got []protocol.Message
	for _, b := range sent {
		if len(b) > frame.MaxFrame {
			t.Fatalf("a frame of %d bytes", len(b))
		}
		got = must(r.Read(b, got))
	}
	if show(got) != show(batch) {
		t.Fatal("the batch did not arrive as it was sent")
	}
}

func TestWriterGoesOnWithoutWhatDoesNotFit(t *testing.T) {
	w := frame.NewRequestWriter(serverHello())
	batch := []frame.Request{
		{N: 1, Body: frame.Outcome{ID: seq(1), Mark: 0xfeed}},
		{N: 2, Body: frame.Run{Branches: []frame.Branch{{Participant: "a", Work: make([]byte, 200<<10)}, {Participant: "b", Work: make([]byte, 200<<10)}}}},
		{N: 3, Body: frame.Outcome{Key: "k"}},
	}
	b, n, err := w.Append(nil, batch)
	if n != 1 || !errors.Is(err, frame.ErrTooLarge) {
		t.Fatalf("took %d (%v), want 1 and ErrTooLarge", n, err)
	}
	b, n, err = w.Append(b, batch[2:])
	if n != 1 || err != nil {
		t.Fatalf("took %d (%v), want the last", n, err)
	}
	r := frame.NewRequestReader(opening)
	must(r.Read(must(frame.AppendHello(nil, frame.NewHello("t"))), nil))
	if got := must(r.Read(b, nil)); len(got) != 2 || got[1].N != 3 {
		t.Fatalf("read %v", got)
	}
}

func TestSenderIsSaidOnlyWhenItChanged(t *testing.T) {
	w, _, _, _ := hellos()
	commit := func(from *protocol.Sender) protocol.Message {
		return protocol.Message{From: from, ID: seq(5), Mark: 0xfeed, Body: protocol.Commit{}}
	}
	same := *from
	later := *from
	later.LSN++
	moved := later
	moved.Watermark, moved.Open = seq(300), nil
	b, _, err := w.Append(nil, []protocol.Message{commit(from), commit(&same), commit(&later), commit(&later), commit(&moved)})
	if err != nil {
		t.Fatal(err)
	}
	f := unmarshal(b)
	var changes []*txcpb.Sender
	for _, e := range f.Entries {
		if e.GetFrom() != nil {
			changes = append(changes, e.GetFrom())
		}
	}
	want := []*txcpb.Sender{{Lsn: 11}, {Lsn: 11, WatermarkSequence: 300}}
	if f.From != nil || len(changes) != 2 || !proto.Equal(changes[0], want[0]) || !proto.Equal(changes[1], want[1]) {
		t.Fatalf("from %v, changes %v, want none and %v", f.From, changes, want)
	}
}

func TestRequestsAreCheckedOneByOne(t *testing.T) {
	labels := map[string]string{}
	for i := range txc.MaxLabels + 1 {
		labels[string(rune('a'+i))] = ""
	}
	many := make([]frame.Branch, txc.MaxBranches+1)
	for i := range many {
		many[i].Participant = "p" + strings.Repeat("x", i%40) + string(rune('a'+i/40))
	}
	big := []frame.Branch{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		big = append(big, frame.Branch{Participant: name, Work: make([]byte, txc.MaxWork)})
	}
	for _, row := range []struct {
		name string
		body frame.RequestBody
		want txc.Code
	}{
		{"a key above its limit", frame.Begin{Key: strings.Repeat("k", txc.MaxKey+1)}, txc.CodeTooLarge},
		{"a key that is not UTF-8", frame.Outcome{Key: "\xff"}, txc.CodeTooLarge},
		{"a timeout above the most", frame.Begin{Timeout: 2 * time.Hour}, txc.CodeBadTimeout},
		{"a timeout below zero", frame.Begin{Timeout: -1}, txc.CodeBadTimeout},
		{"too many labels", frame.Begin{Labels: labels}, txc.CodeTooLarge},
		{"a label that is no name", frame.Begin{Labels: map[string]string{"A b": ""}}, txc.CodeBadName},
		{"too many branches", frame.Run{Branches: many}, txc.CodeTooManyBranches},
		{"a participant named twice", frame.Run{Branches: []frame.Branch{{Participant: "a"}, {Participant: "a"}}}, txc.CodeAlreadyEnlisted},
		{"a participant that is no name", frame.Enlist{Branch: frame.Branch{Participant: "A"}}, txc.CodeBadName},
		{"work of a branch above its limit", frame.Enlist{Branch: frame.Branch{Participant: "a", Work: make([]byte, txc.MaxWork+1)}}, txc.CodeTooLarge},
		{"work of a transaction above its limit", frame.Run{Branches: big}, txc.CodeTooLarge},
		{"all is well", frame.Run{Begin: frame.Begin{Key: "k", Labels: map[string]string{"kind": "x"}}, Branches: big[:4]}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			refusal := frame.Check(row.body)
			if refusal == nil && row.want != "" || refusal != nil && refusal.Reason.Code != row.want {
				t.Fatalf("got %v, want %q", refusal, row.want)
			}
		})
	}
}

func TestTextsForPeopleAreCutNotRefused(t *testing.T) {
	_, w, _, _ := hellos()
	long := strings.Repeat("ü", frame.MaxText) + "\xff"
	b, _, err := w.Append(nil, []protocol.Message{{ID: seq(1), Mark: 0xfeed, Body: protocol.Vote{Vote: txc.No, Reason: txc.Reason{Code: txc.CodeStore, Text: long}}}})
	if err != nil {
		t.Fatal(err)
	}
	text := unmarshal(b).Entries[0].GetVote().GetReason().GetText()
	if len(text) > frame.MaxText || !strings.HasPrefix(long, text) || len(text) < frame.MaxText-3 {
		t.Fatalf("%d bytes came: %q", len(text), text)
	}
}

// The codec must be worth its code: see docs on performance. Run with -bench to compare.
func BenchmarkPrepareAndVote(b *testing.B) {
	const batch = 64
	members := []string{"bank-a", "bank-b"}
	messages := make([]protocol.Message, batch)
	for i := range messages {
		messages[i] = protocol.Message{From: from, ID: seq(uint64(1000 + i)), Mark: 0xfeed, Body: protocol.Prepare{
			Incarnation: 5, Age: 77, TimeLeft: time.Second, Members: members, Work: bytes.Repeat([]byte{7}, 100)}}
	}
	b.Run("by hand", func(b *testing.B) {
		w, _, hello, _ := hellos()
		r := frame.NewMessageReader(frame.AtParticipant, "txc", "bank-a")
		must(r.Read(hello, nil))
		var buf []byte
		var got []protocol.Message
		b.ReportAllocs()
		for b.Loop() {
			buf, _, _ = w.Append(buf[:0], messages)
			got = must(r.Read(buf, got[:0]))
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/message")
	})
	b.Run("generated", func(b *testing.B) {
		w, _, _, _ := hellos()
		frameBytes, _, _ := w.Append(nil, messages)
		f := unmarshal(frameBytes)
		b.ReportAllocs()
		for b.Loop() {
			out := must(proto.Marshal(f))
			var in txcpb.Frame
			if err := proto.Unmarshal(out, &in); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/message")
	})
}
