package waltest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// Run checks everything that the contract says.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*run){
		"a new log is empty and of epoch one (C7)":                                  newLog,
		"what a forced append wrote is there after a clean end":                     forcedSurvivesClose,
		"what a forced append wrote is there after SIGKILL (C1)":                    forcedSurvivesKill,
		"every opening has a higher epoch and stays in the table (C5, C6)":          openings,
		"lazy records ride with the next forced group":                              lazyRides,
		"lazy records are written by a clean end":                                   lazyClose,
		"lazy records become durable in the end":                                    lazyFlush,
		"a power loss takes nothing that was synced":                                powerLoss,
		"a record that can never be taken is refused and costs nothing (C3)":        refused,
		"after a failed write nothing is written or promised (C3)":                  poisoned,
		"the caller's bytes are the caller's again":                                 ownsBytes,
		"an append larger than any group is one append":                             large,
		"a transaction is unfinished until its End (C8)":                            unfinished,
		"a heuristic outlives the End, until an operator acknowledges it (H1)":      heuristics,
		"an accepted loss moves the epoch and clears the stop (C12)":                acceptedLoss,
		"registrations, presumptions and departures are folded (C13, C6, C12)":      folded,
		"a transaction is found, with what is known of its end (C4)":                find,
		"a user's key is found for ever, a library's for ten minutes (C11)":         findKey,
		"history is shown newest first, once each":                                  history,
		"dropped history leaves its floor, its keys and what is unfinished (C4)":    dropped,
		"a log that is shorter than it was is refused (C6)":                         shortened,
		"a closed log says so, and closing twice is fine":                           closed,
		"whatever is written, reopened and killed, Recovery is what the fold says":  random,
		"readers may run beside the writer":                                         readers,
		"the same history shows after every reopening and nothing is lost or moved": sameHistory,
	} {
		t.Run(name, func(t *testing.T) { test(begin(t, open)) })
	}
}

func newLog(r *run) {
	rec := r.rec
	if rec.Cluster != Cluster || rec.Number != Number || rec.Epoch != 1 || rec.Mark != r.mark || rec.First != 1 || rec.Head != 0 || rec.Clean {
		r.Fatalf("%+v", rec)
	}
	if len(rec.Openings) != 1 || rec.Openings[0].LSN != 1 || len(rec.Unfinished)+len(rec.Registrations)+len(rec.Stopped) != 0 {
		r.Fatalf("%+v", rec)
	}
	if !r.log.Floor().IsZero() || r.log.Synced() < 1 {
		r.Fatal(r.log.Floor(), r.log.Synced())
	}
}

func forcedSurvivesClose(r *run) {
	id := r.id()
	lsn := r.append(r.commit(id))
	if r.log.Synced() < lsn {
		r.Fatalf("appended up to %d, synced only %d", lsn, r.log.Synced())
	}
	r.reopen()
	if !r.rec.Clean || r.rec.Head <= lsn-1 {
		r.Fatalf("clean %v, head %d", r.rec.Clean, r.rec.Head)
	}
	r.wantUnfinished(id)
}

func forcedSurvivesKill(r *run) {
	id := r.id()
	r.append(r.commit(id))
	r.kill()
	if r.rec.Clean {
		r.Fatal("a killed log cannot have ended cleanly")
	}
	r.wantUnfinished(id)
}

func (r *run) wantUnfinished(ids ...txc.ID) {
	r.Helper()
	var got []txc.ID
	for _, u := range r.rec.Unfinished {
		got = append(got, u.Commit.ID)
	}
	if !slices.Equal(got, ids) {
		r.Fatalf("unfinished %v, want %v", got, ids)
	}
}

func openings(r *run) {
	for i := range 4 {
		r.append(r.commit(r.id()))
		last := r.rec
		if i%2 == 0 {
			r.reopen()
		} else {
			r.kill()
		}
		if r.rec.Epoch != last.Epoch+1 || r.rec.First != r.rec.Head+1 || r.rec.First <= last.First {
			r.Fatalf("%+v after %+v", r.rec, last)
		}
	}
	for i, o := range r.rec.Openings {
		body := o.Body.(wal.OpenedBody)
		if body.Epoch != uint32(i)+1 || body.Mark != 0xabc1+uint64(i) {
			r.Fatalf("opening %d: %+v", i, body)
		}
		if i > 0 && o.LSN <= r.rec.Openings[i-1].LSN {
			r.Fatal("openings are not in the order of their LSNs")
		}
	}
	if len(r.rec.Openings) != 5 || r.rec.Openings[4].LSN != r.rec.First {
		r.Fatalf("%d openings", len(r.rec.Openings))
	}
}

func refused(r *run) {
	before := r.append(r.commit(r.id()))
	member := wal.Member{Participant: "bank-a", Evidence: make([]byte, txc.MaxEvidence+1)}
	other := txc.ID{Coordinator: Number + 1, Epoch: 1, Sequence: 1}
	for name, rec := range map[string]wal.Record{
		"no id":              r.record(txc.ID{}, wal.EndBody{}),
		"half an id":         r.record(txc.ID{Coordinator: Number}, wal.EndBody{}),
		"an id too many":     r.record(r.id(), wal.RegistrationBody{Name: "a"}),
		"another's id":       r.record(other, wal.EndBody{}),
		"no body":            {Kind: wal.Commit, ID: r.id(), When: r.now},
		"another kind":       {Kind: wal.End, ID: r.id(), When: r.now, Body: wal.AbortBody{}},
		"too much evidence":  r.record(r.id(), wal.CommitBody{Members: []wal.Member{member}}),
		"too many members":   r.record(r.id(), wal.CommitBody{Members: make([]wal.Member, txc.MaxBranches+1)}),
		"too large":          r.record(r.id(), wal.AbortBody{Reason: txc.Reason{Text: strings.Repeat("x", wal.MaxRecord)}}),
		"the log's own kind": r.record(txc.ID{}, wal.OpenedBody{Epoch: 9}),
	} {
		good := r.commit(r.id())
		if _, err := r.log.Append(r.Context(), []wal.Record{good, rec}); !errors.Is(err, txc.ErrInvalid) {
			r.Fatalf("%s: %v", name, err)
		}
		if _, _, ok, err := r.log.Find(good.ID); ok || err != nil {
			r.Fatalf("%s: half of a refused append was written (%v)", name, err)
		}
	}
	if lsn := r.append(r.commit(r.id())); lsn != before+1 {
		r.Fatalf("LSN %d after %d: a refused append used some up", lsn, before)
	}
}

func poisoned(r *run) {
	f, ok := r.store.(Failer)
	if !ok {
		r.Skip("cannot fail a write")
	}
	for _, durable := range []bool{false, true} {
		sure, doubtful := r.id(), r.id()
		synced := r.append(r.commit(sure))
		if err := f.Fail(r.log, durable); err != nil {
			r.Fatal(err)
		}
		_, err := r.log.Append(r.Context(), []wal.Record{r.commit(doubtful)})
		if !errors.Is(err, txc.ErrStopped) || errors.Is(err, txc.ErrInvalid) {
			r.Fatal(err)
		}
		select {
		case <-r.log.Failed():
		default:
			r.Fatal("it is poisoned, and does not say so")
		}
		_, again := r.log.Append(r.Context(), []wal.Record{r.end(sure)})
		if again == nil || again.Error() != err.Error() {
			r.Fatalf("then %v, before %v", again, err)
		}
		if r.log.Synced() != synced {
			r.Fatalf("synced %d, but only %d was ever durable for certain", r.log.Synced(), synced)
		}
		r.kill()
		found := slices.ContainsFunc(r.rec.Unfinished, func(u wal.Unfinished) bool { return u.Commit.ID == doubtful })
		if found != durable {
			r.Fatalf("durable %v, found %v", durable, found)
		}
	}
}

func ownsBytes(r *run) {
	evidence := []byte("before")
	labels := map[string]string{"a": "before"}
	recs := []wal.Record{r.record(r.id(), wal.CommitBody{Members: []wal.Member{{Participant: "bank-a", Evidence: evidence}}, Labels: labels})}
	id := recs[0].ID
	r.append(recs...)
	copy(evidence, "afterw")
	labels["a"] = "after"
	recs[0] = wal.Record{}
	rec, _, ok, err := r.log.Find(id)
	if err != nil || !ok {
		r.Fatal(ok, err)
	}
	if body := rec.Body.(wal.CommitBody); string(body.Members[0].Evidence) != "before" || body.Labels["a"] != "before" {
		r.Fatalf("%+v", body)
	}
	names := []string{"before"}
	r.append(r.record(id, wal.AcknowledgedBody{Participants: names})) // lazy: still waits
	names[0] = "after"
	r.append(r.commit(r.id()))
	r.append(r.commit(r.id()))
	r.reopen()
	r.equal(r.rec.Unfinished[0].Acknowledged, []string{"before"}, "acknowledged")
}

func large(r *run) {
	var recs []wal.Record
	var ids []txc.ID
	text := strings.Repeat("y", 40<<10)
	for range 80 {
		ids = append(ids, r.id())
		recs = append(recs, r.commit(ids[len(ids)-1]), r.record(r.id(), wal.AbortBody{Reason: txc.Reason{Text: text}}))
	}
	first := r.log.Synced() + 1
	if lsn := r.append(recs...); lsn != first+uint64(len(recs))-1 {
		r.Fatalf("%d records from %d on end at %d", len(recs), first, lsn)
	}
	r.kill()
	r.wantUnfinished(ids...)
	seen := 0
	for rec, err := range r.log.History(r.Context()) {
		if err != nil {
			r.Fatal(err)
		}
		if rec.Kind == wal.Abort && rec.Body.(wal.AbortBody).Reason.Text == text {
			seen++
		}
	}
	if seen != 80 {
		r.Fatalf("%d of 80 large records", seen)
	}
}

func closed(r *run) {
	r.close()
	log, _, err := r.store.Open(0xeee, r.clock)
	if err != nil {
		r.Fatal(err)
	}
	for range 2 {
		if err := log.Close(r.Context()); err != nil {
			r.Fatal(err)
		}
	}
	if _, err := log.Append(r.Context(), []wal.Record{r.commit(r.id())}); !errors.Is(err, txc.ErrStopped) {
		r.Fatal(err)
	}
	if _, err := log.Append(r.Context(), nil); !errors.Is(err, txc.ErrStopped) {
		r.Fatal(err)
	}
}

func shortened(r *run) {
	s, ok := r.store.(Shortener)
	if !ok {
		r.Skip("cannot be shortened")
	}
	lsn := r.append(r.commit(r.id()))
	r.append(r.commit(r.id()))
	if err := r.store.Kill(r.log); err != nil {
		r.Fatal(err)
	}
	r.log = nil
	if err := s.Shorten(lsn); err != nil {
		r.Fatal(err)
	}
	if _, _, err := r.store.Open(r.mark+1, r.clock); !errors.Is(err, txc.ErrRefused) {
		r.Fatal(err)
	}
}

// equal compares two values and tells where they differ.
func (r *run) equal(got, want any, what string) {
	r.Helper()
	if !reflect.DeepEqual(got, want) {
		r.Fatalf("%s:\n got %s\nwant %s", what, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
	}
}
