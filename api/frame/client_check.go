package frame

import (
	"fmt"
	"unicode/utf8"

	"github.com/txc-dev/txc"
)

// Check refuses a request whose contents break a limit; a client asks before it sends, a coordinator before it looks
// further. The refusal names code and limit. Whether participants and ids exist is not asked here.
func Check(body RequestBody) *txc.Refusal {
	switch r := body.(type) {
	case Run:
		if refusal := checkBegin(&r.Begin); refusal != nil {
			return refusal
		}
		return checkBranches(r.Branches)
	case Begin:
		return checkBegin(&r)
	case Enlist:
		return checkBranches([]Branch{r.Branch})
	case End:
		return checkBranches(r.Joined)
	case Outcome:
		return checkKey(r.Key)
	default:
		return txc.Refuse(txc.ErrInvalid, txc.CodeBadWork, fmt.Sprintf("%T is not a request", body))
	}
}

func checkKey(key string) *txc.Refusal {
	if len(key) > txc.MaxKey || !utf8.ValidString(key) {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("a key has at most %d bytes of UTF-8", txc.MaxKey))
	}
	return nil
}

func checkBegin(b *Begin) *txc.Refusal {
	if refusal := checkKey(b.Key); refusal != nil {
		return refusal
	}
	if b.Timeout < 0 || b.Timeout > txc.MaxTimeout {
		return txc.Refuse(txc.ErrInvalid, txc.CodeBadTimeout, fmt.Sprintf("timeout %v: use more than 0 and at most %v", b.Timeout, txc.MaxTimeout))
	}
	if len(b.Labels) > txc.MaxLabels {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("%d labels, at most %d", len(b.Labels), txc.MaxLabels))
	}
	for k, v := range b.Labels {
		if !labelName(k) {
			return txc.Refuse(txc.ErrInvalid, txc.CodeBadName, fmt.Sprintf("label %q: use 1 to %d of a-z, 0-9, '_', '.', '-'", k, MaxLabelKey))
		}
		if len(v) > txc.MaxLabelValue || !utf8.ValidString(v) {
			return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("label %s: a value has at most %d bytes of UTF-8", k, txc.MaxLabelValue))
		}
	}
	return nil
}

func labelName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= MaxLabelKey
}

func checkBranches(branches []Branch) *txc.Refusal {
	if len(branches) > txc.MaxBranches {
		return txc.Refuse(txc.ErrInvalid, txc.CodeTooManyBranches, fmt.Sprintf("%d branches, at most %d", len(branches), txc.MaxBranches))
	}
	total := 0
	for i, b := range branches {
		if err := txc.CheckParticipant(b.Participant); err != nil {
			return txc.Refuse(txc.ErrInvalid, txc.CodeBadName, err.Error())
		}
		for _, other := range branches[:i] {
			if other.Participant == b.Participant {
				return txc.Refuse(txc.ErrInvalid, txc.CodeAlreadyEnlisted, b.Participant+" is named twice: put its operations in one branch")
			}
		}
		if total += len(b.Work); len(b.Work) > txc.MaxWork || total > txc.MaxTxWork {
			return txc.Refuse(txc.ErrInvalid, txc.CodeTooLarge, fmt.Sprintf("work of %s: at most %d bytes for a branch, %d for a transaction", b.Participant, txc.MaxWork, txc.MaxTxWork))
		}
	}
	return nil
}
