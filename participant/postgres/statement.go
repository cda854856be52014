package postgres

import (
	"fmt"
	"slices"
	"strings"
)

// verbs are how a statement of a branch may begin. What ends or begins transactions would tear the branch from its
// decision; what changes the session would reach the next branch; what changes tables holds up everybody until the decision.
var verbs = []string{"select", "insert", "update", "delete", "merge", "with", "values", "table", "call", "do", "lock"}

// admissible says what is wrong with a statement's text, as far as that can be told without the server, which takes one
// statement at a time in any case.
func admissible(text string) error {
	rest := skipBlank(text)
	if strings.HasPrefix(rest, "(") {
		return nil // a parenthesised query
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_') })
	if end < 0 {
		end = len(rest)
	}
	verb := strings.ToLower(rest[:end])
	if !slices.Contains(verbs, verb) {
		return fmt.Errorf("a statement begins with one of %s", strings.Join(verbs, ", "))
	}
	return nil
}

// skipBlank drops leading blanks and comments; those between slashes nest.
func skipBlank(s string) string {
	for {
		s = strings.TrimLeft(s, " \t\r\n\f\v")
		switch {
		case strings.HasPrefix(s, "--"):
			end := strings.IndexAny(s, "\r\n")
			if end < 0 {
				return ""
			}
			s = s[end:]
		case strings.HasPrefix(s, "/*"):
			s = skipComment(s)
		default:
			return s
		}
	}
}

func skipComment(s string) string {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return s[i+1:]
		}
	}
	return ""
}
