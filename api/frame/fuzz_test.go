package frame_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/internal/protocol"
)

// show writes values so that two readings of the same bytes can be compared: what is empty and what is absent look the
// same, save where their difference means something (Joined).
func show[T any](list []T) string {
	var b strings.Builder
	for _, v := range list {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		body := reflect.ValueOf(v).FieldByName("Body")
		fmt.Fprintf(&b, "%T %s\n", body.Interface(), strings.NewReplacer("null", "_", `""`, "_", "[]", "_", "{}", "_").Replace(string(text)))
	}
	return b.String()
}

// leg is one direction of a stream: both hellos are said, the rest is what the fuzzer gives.
type leg struct {
	name string
	read func(b []byte) (string, error) // with the reader under test
	ref  func(b []byte) string          // with the generated code
	// echo writes again what was just read, with the writer under test
	echo func() ([][]byte, error)
}

var (
	opening  = frame.Opening{Cluster: "txc", Coordinator: 1, Epoch: 7, Mark: 0xfeed}
	from     = &protocol.Sender{Cluster: "txc", Coordinator: 1, Epoch: 7, Mark: 0xfeed, LSN: 10, Watermark: seq(100), Open: []txc.ID{{Coordinator: 1, Epoch: 6, Sequence: 4}, seq(90), seq(97)}}
	instance = [16]byte{1, 2, 3, 15: 9}
	welcome  = protocol.Welcome{Name: "bank-a", Instance: instance, Incarnation: 5, Stamp: 6, Seen: []protocol.Seen{{Coordinator: 1, Epoch: 6, Mark: 3, LSN: 9}}, Software: "test"}
)

func seq(n uint64) txc.ID { return txc.ID{Coordinator: 1, Epoch: 7, Sequence: n} }

func hellos() (coordinator *frame.MessageWriter, participant *frame.MessageWriter, hello, answer []byte) {
	h := frame.NewHello("test")
	h.Name = "bank-a"
	coordinator = frame.NewMessageWriter(h)
	hello, _, err := coordinator.Append(nil, []protocol.Message{{From: from, Body: protocol.Hello{}}})
	if err != nil {
		panic(err)
	}
	r := frame.NewMessageReader(frame.AtParticipant, "txc", "bank-a")
	must(r.Read(hello, nil))
	peer, _ := r.Peer()
	participant = frame.NewMessageWriter(frame.NewHello("test"))
	participant.Meet(peer)
	answer, _, err = participant.Append(nil, []protocol.Message{{Body: welcome}})
	if err != nil {
		panic(err)
	}
	return coordinator, participant, hello, answer
}

func toParticipant() leg {
	w, _, hello, _ := hellos()
	r := frame.NewMessageReader(frame.AtParticipant, "txc", "bank-a")
	must(r.Read(hello, nil))
	ref := &reference{}
	ref.messages(unmarshal(hello))
	return messageLeg("to participant", w, r, ref)
}

func toCoordinator() leg {
	_, w, hello, answer := hellos()
	r := frame.NewMessageReader(frame.AtCoordinator, "txc", "bank-a")
	r.Opened(opening)
	must(r.Read(answer, nil))
	ref := &reference{}
	ref.messages(unmarshal(hello))
	ref.messages(unmarshal(answer))
	return messageLeg("to coordinator", w, r, ref)
}

func messageLeg(name string, w *frame.MessageWriter, r *frame.MessageReader, ref *reference) leg {
	var last []protocol.Message
	return leg{
		name: name,
		read: func(b []byte) (_ string, err error) {
			last, err = r.Read(b, nil)
			for i := range last { // whatever text a refusal of an overlong vote bears
				if v, ok := last[i].Body.(protocol.Vote); ok && v.Reason.Code == txc.CodeTooLarge && v.Vote == txc.No && !v.Certain && v.Results == nil {
					v.Reason = txc.Reason{Code: txc.CodeTooLarge}
					last[i].Body = v
				}
			}
			return show(last), err
		},
		ref:  func(b []byte) string { return show(ref.messages(unmarshal(b))) },
		echo: func() ([][]byte, error) { return frames(last, w.Append) },
	}
}

func toServer() leg {
	r := frame.NewRequestReader(opening)
	must(r.Read(must(frame.AppendHello(nil, frame.NewHello("test"))), nil))
	w := frame.NewRequestWriter(serverHello())
	ref := &reference{opening: opening}
	var last []frame.Request
	return leg{
		name: "to server",
		read: func(b []byte) (_ string, err error) { last, err = r.Read(b, nil); return show(last), err },
		ref:  func(b []byte) string { return show(ref.requests(unmarshal(b))) },
		echo: func() ([][]byte, error) { return frames(last, w.Append) },
	}
}

func toClient() leg {
	r := frame.NewReplyReader()
	must(r.Read(must(frame.AppendHello(nil, serverHello())), nil))
	w := frame.NewReplyWriter(opening, frame.NewHello("test"))
	ref := &reference{opening: opening}
	var last []frame.Reply
	return leg{
		name: "to client",
		read: func(b []byte) (_ string, err error) { last, err = r.Read(b, nil); return show(last), err },
		ref:  func(b []byte) string { return show(ref.replies(unmarshal(b))) },
		echo: func() ([][]byte, error) { return frames(last, w.Append) },
	}
}

func serverHello() frame.Hello {
	h := frame.NewHello("test")
	h.From = from
	return h
}

// frames packs a batch into as many frames as it takes.
func frames[T any](batch []T, pack func([]byte, []T) ([]byte, int, error)) (out [][]byte, err error) {
	for len(batch) > 0 {
		b, n, err := pack(nil, batch)
		if err != nil {
			return out, err
		}
		if n == 0 {
			return out, errors.New("a frame took nothing")
		}
		out, batch = append(out, b), batch[n:]
	}
	return out, nil
}

func legs() []func() leg { return []func() leg{toParticipant, toCoordinator, toServer, toClient} }

// FuzzFrame gives arbitrary bytes to each reader. What it takes, the generated code must read the same; and written
// again, both must read the same once more.
func FuzzFrame(f *testing.F) {
	for seed := range uint64(24) {
		for _, b := range randomFrames(seed) {
			f.Add(uint8(seed), b)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) { compare(t, int(which), b) })
}

// TestDamagedFramesAreReadAsTheGeneratedCodeReadsThem is the same with frames of which a few bytes were changed, so that
// many are still taken.
func TestDamagedFramesAreReadAsTheGeneratedCodeReadsThem(t *testing.T) {
	rounds := uint64(3000)
	if testing.Short() {
		rounds = 300
	}
	taken := 0
	for seed := range rounds {
		g := generator{rand.New(rand.NewPCG(seed, 2))}
		for _, b := range randomFrames(seed) {
			for range 5 {
				if compare(t, int(seed%4), g.damage(b)) {
					taken++
				}
			}
		}
	}
	if taken < int(rounds)/10 {
		t.Fatalf("only %d damaged frames were taken: the test looks at nothing", taken)
	}
	t.Logf("%d damaged frames were taken", taken)
}

func (g generator) damage(b []byte) []byte {
	b = append([]byte(nil), b...)
	for range 1 + g.some(3) {
		if len(b) == 0 {
			return g.bytes(20)
		}
		i := g.IntN(len(b))
		switch g.IntN(4) {
		case 0:
			b[i] ^= 1 << g.IntN(8)
		case 1:
			b[i] = byte(g.some(4))
		case 2:
			j := g.IntN(len(b))
			copy(b[i:], b[j:min(j+1+g.some(8), len(b))])
		case 3:
			b = append(b, b[i:min(i+1+g.some(30), len(b))]...)
		}
	}
	return b
}

func compare(t *testing.T, which int, b []byte) (taken bool) {
	t.Helper()
	l := legs()[which%4]()
	got, err := l.read(b)
	if err != nil {
		if !errors.Is(err, txc.ErrInvalid) {
			t.Fatalf("%s: an error that is not ErrInvalid: %v", l.name, err)
		}
		return false
	}
	if want := l.ref(b); got != want {
		t.Fatalf("%s: read\n%s\nthe generated code reads\n%s\n%x", l.name, got, want, b)
	}
	again, err := l.echo()
	if err != nil {
		return true // what was read cannot be said by this side, for example a watermark taken back
	}
	fresh := legs()[which%4]()
	echoed, ref := "", ""
	for _, b := range again {
		text, err := fresh.read(b)
		if err != nil {
			t.Fatalf("%s: written again and refused: %v\n%s", l.name, err, got)
		}
		echoed += text
		ref += fresh.ref(b)
	}
	if echoed != ref {
		t.Fatalf("%s: written again and read\n%s\nthe generated code reads\n%s", l.name, echoed, ref)
	}
	return true
}

// FuzzRoundTrip writes random batches and compares what both readers make of them with what was written; then has the
// generated code write the same frame in its own way.
func FuzzRoundTrip(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		l := legs()[seed%4]()
		for i, b := range randomFrames(seed) {
			got, err := l.read(b)
			if err != nil {
				t.Fatalf("%s: own frame %d refused: %v", l.name, i, err)
			}
			if want := l.ref(b); got != want {
				t.Fatalf("%s: read\n%s\nthe generated code reads\n%s", l.name, got, want)
			}
			if want := randomText(seed); i == 0 && len(randomFrames(seed)) == 1 && got != want {
				t.Fatalf("%s: read\n%s\nwritten\n%s", l.name, got, want)
			}
			other := legs()[seed%4]()
			theirs := must(proto.MarshalOptions{Deterministic: true}.Marshal(unmarshal(b)))
			if got2, err := other.read(theirs); i == 0 && (err != nil || got2 != got) {
				t.Fatalf("%s: the generated code's own frame reads\n%s\n(%v), ours\n%s", l.name, got2, err, got)
			}
		}
	})
}

// FuzzProof: a marker has one form.
func FuzzProof(f *testing.F) {
	for _, s := range []string{"c1.7.1042.0123456789abcdef", "c1.7.1042", ".0123456789abcdef", "c1.7.1042.0123456789ABCDEF"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := frame.ParseProof(s)
		if err != nil {
			if !errors.Is(err, txc.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if again := frame.FormatProof(p); again != s {
			t.Fatalf("%q is taken for %q", s, again)
		}
	})
}
