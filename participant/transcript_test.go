package participant_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/internal/protocol"
	"github.com/txc-dev/txc/participant"
)

var update = flag.Bool("update", false, "write what the transcripts under testdata say anew")

// Transcripts under testdata are the core's tests: what is put in stands above a line of dashes, what comes out below.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("%s:\n%s\nbut now:\n%s", file, text, got)
			}
		})
	}
}

const dashes = "----\n"

// replay runs every block of a transcript, and writes it anew with what comes out.
func replay(t *testing.T, text string) string {
	t.Helper()
	w := &world{t: t, from: protocol.Sender{Cluster: "txc", Coordinator: 1, Epoch: 7, Mark: 70, LSN: 1}, session: 1}
	w.open(nil)
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n\n") {
		head, _, hasOutput := strings.Cut(block+"\n", dashes)
		out.WriteString(head)
		if hasOutput {
			out.WriteString(dashes)
			for line := range strings.Lines(head) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					out.WriteString(w.do(strings.Fields(line)))
				}
			}
		}
		out.WriteString("\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// world is a core, and what surrounds it: a coordinator's words, a clock.
type world struct {
	t       *testing.T
	core    *participant.Core
	now     time.Duration
	from    protocol.Sender
	session uint64
}

func (w *world) open(promised []participant.InDoubt) {
	w.core = participant.NewCore(participant.Config{
		Cluster: "txc", Name: "bank-a", Software: "test", Incarnation: 9, InquireEvery: 500 * time.Millisecond, Seed: 1,
	}, participant.Memory{Stamp: 3}, promised)
	w.now = 0
}

// do carries out one line, and tells what came out.
func (w *world) do(words []string) string {
	var ev participant.Event
	verb, arg := words[0], options(words[1:])
	switch verb {
	case "open": // anew; with promises found in the store
		var found []participant.InDoubt
		for _, id := range words[1:] {
			name, settled, _ := strings.Cut(id, "=")
			found = append(found, participant.InDoubt{ID: w.id(name), Mark: 70, Members: []string{"bank-a", "bank-b"}, Settled: fates[settled]})
		}
		w.open(found)
	case "from": // what the coordinator says of itself from now on
		w.from.Epoch, w.from.Mark = uint32(arg.num("epoch", int(w.from.Epoch))), uint64(arg.num("mark", int(w.from.Mark)))
		w.from.LSN = uint64(arg.num("lsn", int(w.from.LSN)))
		w.from.Cluster = cmp.Or(arg["cluster"], w.from.Cluster)
		if arg["below"] != "" {
			w.from.Watermark, w.from.Open = w.id(arg["below"]), nil
			for _, id := range strings.Fields(strings.ReplaceAll(arg["open"], ",", " ")) {
				w.from.Open = append(w.from.Open, w.id(id))
			}
		}
		return ""
	case "connect":
		w.session = uint64(arg.num("session", 1))
		ev = participant.SessionOpened{Session: w.session}
	case "lost":
		ev = participant.SessionClosed{Session: w.session}
	case "tick":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			w.t.Fatal(err)
		}
		w.now += d
		return w.step(nil)
	case "done":
		ev = w.done(words)
	case "call":
		ev = participant.CallAsked{Token: uint64(arg.num("token", 1)), ID: w.id(words[1]), Mark: 70, TimeLeft: 10 * time.Second,
			Enlistment: participant.Enlistment{Incarnation: uint64(arg.num("incarnation", 0)), Calls: uint32(arg.num("calls", 0))}}
	case "over":
		call, err := strconv.Atoi(words[1])
		if err != nil {
			w.t.Fatal(err)
		}
		ev = participant.CallOver{Token: uint64(arg.num("token", 1)), Call: uint64(call), Failed: arg.has("failed")}
	case "settle":
		ev = participant.SettleAsked{Token: 7, ID: w.id(words[1]), Settlement: participant.Settlement{Outcome: outcomes[words[2]], Who: "ann", Why: "log lost"}}
	case "told":
		ev = participant.Told{ID: w.id(words[1]), Mark: 70, Told: protocol.Told{Outcome: outcomes[words[2]], From: w.from}}
		if words[2] == "nobody" {
			ev = participant.Told{ID: w.id(words[1]), Mark: 70, Err: errors.New("nobody there")}
		}
	case "status":
		ev = participant.StatusAsked{Token: 8}
	case "close":
		ev = participant.CloseAsked{}
	default:
		ev = w.message(words, arg)
	}
	return w.step([]participant.Event{ev})
}

func (w *world) message(words []string, arg args) participant.Event {
	from := w.from
	m := participant.Message{From: &from}
	if len(words) > 1 && strings.HasPrefix(words[1], "c") {
		m.ID, m.Mark = w.id(words[1]), 70
	}
	switch words[0] {
	case "hello":
		m.Body = protocol.Hello{}
	case "prepare":
		m.Body = protocol.Prepare{
			Incarnation: uint64(arg.num("incarnation", 9)), TimeLeft: time.Duration(arg.num("left", 1000)) * time.Millisecond,
			Members: []string{"bank-a", "bank-b"}, MayRelease: arg.has("may-release"), Joined: arg.has("joined"), Calls: uint32(arg.num("calls", 0)), Work: []byte("w"),
		}
	case "commit":
		m.Body = protocol.Commit{}
	case "abort":
		m.Body = protocol.Abort{}
	case "answer":
		m.Body = protocol.Answer{Outcome: outcomes[words[2]], Acknowledged: arg.has("acknowledged")}
	case "list":
		m.Body = protocol.List{Page: arg["page"]}
	default:
		w.t.Fatalf("no such line: %q", words)
	}
	return participant.Received{Session: w.session, Messages: []participant.Message{m}}
}

// done completes call N, as the word says.
func (w *world) done(words []string) participant.Event {
	n, err := strconv.Atoi(words[1])
	if err != nil {
		w.t.Fatal(err)
	}
	d := participant.Done{N: uint64(n), Stamp: 3}
	for _, word := range words[2:] {
		switch word {
		case "yes", "held":
			d.Promise = participant.Promise{Vote: votes[word], Evidence: []byte("e"), Results: []byte("r")}
		case "no", "read-only":
			d.Promise = participant.Promise{Vote: votes[word], Reason: txc.Reason{Code: txc.CodeRefused, Text: "not enough"}}
		case "unknown":
			d.Err = errors.New("connection lost")
		case "stopped":
			d.Err = fmt.Errorf("%w: disk full", txc.ErrStopped)
		case "ok":
			d.OK = true
		default:
			if id, ok := strings.CutPrefix(word, "promise="); ok {
				d.InDoubt = append(d.InDoubt, participant.InDoubt{ID: w.id(id), Mark: 70})
			} else if id, ok := strings.CutPrefix(word, "marker="); ok {
				d.Committed = append(d.Committed, participant.Proof{ID: w.id(id), Mark: 70})
			} else {
				d.Fate = fates[word]
			}
		}
	}
	return d
}

func (w *world) id(s string) txc.ID {
	id, err := txc.ParseID(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

var (
	votes    = map[string]txc.Vote{"yes": txc.Yes, "held": txc.Held, "no": txc.No, "read-only": txc.ReadOnly}
	outcomes = map[string]txc.Outcome{"undecided": txc.Undecided, "committed": txc.Committed, "aborted": txc.Aborted, "unknown": txc.Unknown, "finished": txc.Finished, "not-mine": txc.NotMine}
	fates    = map[string]txc.Fate{"committed-now": txc.CommittedNow, "committed-before": txc.CommittedBefore, "aborted": txc.AbortedNow, "aborted-before": txc.AbortedBefore, "never-prepared": txc.NeverPrepared, "hazard": txc.Hazard}
)

type args map[string]string

func options(words []string) args {
	a := args{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		a[k] = v
	}
	return a
}

func (a args) has(k string) bool { _, ok := a[k]; return ok }

func (a args) num(k string, otherwise int) int {
	if n, err := strconv.Atoi(a[k]); err == nil {
		return n
	}
	return otherwise
}

// step runs the core, and tells its effects, a line each.
func (w *world) step(events []participant.Event) string {
	var out participant.Effects
	w.core.Step(w.now, events, &out)
	var b strings.Builder
	for _, c := range out.Calls {
		fmt.Fprintf(&b, "store %d: %s%s\n", c.N, c.Deed, about(c))
	}
	for _, s := range out.Sends {
		id := ""
		if !s.Message.ID.IsZero() {
			id = s.Message.ID.String() + " "
		}
		fmt.Fprintf(&b, "send %d: %s%s\n", s.Session, id, say(s.Message.Body))
	}
	for _, a := range out.Asks {
		fmt.Fprintf(&b, "ask coordinator %d: %s settled=%s\n", a.Coordinator, a.Question.ID, a.Question.Settled)
	}
	for _, a := range out.Answers {
		fmt.Fprintf(&b, "answer %d: %s\n", a.Token, sayAnswer(a))
	}
	for _, d := range out.Doomed {
		fmt.Fprintf(&b, "end the calls of %s\n", d.ID)
	}
	for _, t := range out.Troubles {
		fmt.Fprintf(&b, "trouble: %s %s\n", t.ID, t.Text)
	}
	if out.Closed {
		b.WriteString("closed\n")
	}
	if out.Failed != nil {
		fmt.Fprintf(&b, "failed: %v\n", out.Failed)
	}
	return b.String()
}
