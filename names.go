package txc

import (
	"fmt"
	"strconv"
	"strings"
)

// Names appear inside other systems' identifiers (a prepared transaction's name, an XA id, a subject), so their
// alphabet holds nothing that any of those gives a meaning to, and their lengths add up to what the shortest allows:
// XA's gtrid 4+16+1+43 and bqual 16+1+47 are 64 bytes each, exactly.
const (
	MaxCluster     = 16
	MaxParticipant = 47
)

// CheckCluster reports whether s can name a cluster: [a-z0-9][a-z0-9-]{0,15}. The error wraps ErrInvalid.
func CheckCluster(s string) error { return checkName("cluster", s, MaxCluster, "-") }

// CheckParticipant reports whether s can name a participant: [a-z0-9][a-z0-9.-]{0,46}. The error wraps ErrInvalid.
func CheckParticipant(s string) error { return checkName("participant", s, MaxParticipant, ".-") }

func checkName(what, s string, limit int, also string) error {
	ok := len(s) >= 1 && len(s) <= limit
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		ok = letter || i > 0 && strings.IndexByte(also, c) >= 0
	}
	if !ok {
		return fmt.Errorf("%w: %s name %q: use 1 to %d of a-z, 0-9, %q, starting with a letter or digit", ErrInvalid, what, s, limit, also)
	}
	return nil
}

// FormatMark writes a mark as it stands in branch names: 16 hexadecimal digits.
func FormatMark(mark uint64) string { return fmt.Sprintf("%016x", mark) }

// ParseMark reads what FormatMark wrote. The error wraps ErrInvalid.
func ParseMark(s string) (uint64, error) {
	mark, err := strconv.ParseUint(s, 16, 64)
	if err != nil || FormatMark(mark) != s {
		return 0, fmt.Errorf("%w: %q is not a mark of 16 hexadecimal digits", ErrInvalid, s)
	}
	return mark, nil
}

// BranchName is how a branch is called in a store that several programs share: txc/<cluster>/<id>.<mark>/<participant>.
func BranchName(cluster string, id ID, mark uint64, participant string) string {
	return "txc/" + cluster + "/" + id.String() + "." + FormatMark(mark) + "/" + participant
}

// ParseBranchName takes a branch name apart. ok is false for every name that is not exactly one of ours: a foreign
// prepared branch must never be touched.
func ParseBranchName(s string) (cluster string, id ID, mark uint64, participant string, ok bool) {
	parts := strings.Split(s, "/")
	if len(parts) != 4 || parts[0] != "txc" {
		return "", ID{}, 0, "", false
	}
	dot := strings.LastIndexByte(parts[2], '.')
	if dot < 0 {
		return "", ID{}, 0, "", false
	}
	id, errID := ParseID(parts[2][:dot])
	mark, errMark := ParseMark(parts[2][dot+1:])
	if errID != nil || errMark != nil || CheckCluster(parts[1]) != nil || CheckParticipant(parts[3]) != nil {
		return "", ID{}, 0, "", false
	}
	return parts[1], id, mark, parts[3], true
}
