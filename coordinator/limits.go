package coordinator

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// Bounds of what a core holds; the options bound the rest. At each of them the one who asks is refused at once, or, where
// nobody can be refused, hears nothing and asks again.
const (
	maxPeers    = wal.MaxNames // participants that are not removed: all of them fit one record
	maxNames    = 16 * maxPeers
	maxPast     = 8
	maxBytes    = 256 << 20 // work and results of transactions in memory
	maxWaiters  = 1024      // clients that wait for one transaction
	maxWaiting  = 4096      // participant's questions, per participant, that wait for the log
	maxThen     = 64        // askers that wait for one heuristic to be durable
	maxRetried  = 1 << 18   // the client library's keys that were sent again of late: more than were in flight when the way broke
	maxProofs   = 256       // proofs of a loss or of another owner that are recorded: one is enough to stop
	maxPresumed = 65536     // presumptions that wait to be checked
	maxGuesses  = 1024      // of them those that only clients asked for: they need not name an id that ever was
	maxOdd      = 65536     // aborted transactions with a branch that committed
	maxExcused  = 4096      // of them those that an operator has acknowledged and that are still remembered
	maxNoted    = 65536     // records that are being written: with more, an abort leaves no trace for people
	maxOrphans  = 8192      // candidates of one orphan search, per participant; the rest wait for the next round

	maxAddress = 512 // bytes
	maxKind    = 64
	maxVersion = 128
	maxWho     = 128
	maxNote    = 1024 // bytes of what people and participants say in words
	maxCode    = 64
)

// note cuts words to what the log and memory take, at the end of a character.
func note(s string, limit int) string {
	if len(s) <= limit {
		return strings.ToValidUTF8(s, "?")
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.ToValidUTF8(s[:limit], "?")
}

// reasonOf is a participant's reason, cut to what the log takes, and with its own name.
func reasonOf(p *peer, r txc.Reason) txc.Reason {
	if r.IsZero() {
		return r
	}
	return txc.Reason{Code: txc.Code(note(string(r.Code), maxCode)), Text: note(r.Text, maxNote), Participant: p.name, Retryable: r.Retryable}
}

// signed checks who an operator says he is, and why he does what he does: both are recorded (C3: before anything
// depends on them).
func signed(who, why string) error {
	if len(who) > maxWho || !utf8.ValidString(who) {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("who: at most %d bytes of UTF-8", maxWho))
	}
	if len(why) > maxNote || !utf8.ValidString(why) {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("a reason has at most %d bytes of UTF-8", maxNote))
	}
	return nil
}

// checkPeer checks what a participant says of itself.
func checkPeer(p Peer) error {
	if err := txc.CheckParticipant(p.Name); err != nil {
		return txc.Refuse(txc.ErrInvalid, txc.CodeBadName, err.Error())
	}
	for _, f := range []struct {
		name, value string
		limit       int
	}{{"address", p.Address, maxAddress}, {"kind", p.Kind, maxKind}, {"version", p.Version, maxVersion}} {
		if len(f.value) > f.limit || !utf8.ValidString(f.value) {
			return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("%s of %s: at most %d bytes of UTF-8", f.name, p.Name, f.limit))
		}
	}
	return nil
}
