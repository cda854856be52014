package sqlwork

import (
	"fmt"
	"slices"
	"strings"
)

// Grammar is what of a database's SQL decides how a statement may begin.
type Grammar struct {
	// Verbs are how a statement may begin. What ends or begins transactions would tear the branch from its decision; what
	// changes the session would reach the next branch; what changes tables holds up everybody until the decision.
	Verbs []string

	Nested bool // comments between slashes nest
	Hash   bool // # begins a comment
	Live   bool // what stands in /*! … */ is executed
}

// Admissible says what is wrong with a statement's text, as far as that can be told without the server, which must take
// one statement at a time in any case.
func (g Grammar) Admissible(text string) error {
	rest, err := g.skipBlank(text)
	if err != nil {
		return err
	}
	if strings.HasPrefix(rest, "(") {
		return nil // a parenthesised query
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_') })
	if end < 0 {
		end = len(rest)
	}
	verb := strings.ToLower(rest[:end])
	if !slices.Contains(g.Verbs, verb) {
		return fmt.Errorf("a statement begins with one of %s", strings.Join(g.Verbs, ", "))
	}
	return nil
}

// skipBlank drops leading blanks and comments.
func (g Grammar) skipBlank(s string) (string, error) {
	for {
		s = strings.TrimLeft(s, " \t\r\n\f\v")
		switch {
		case strings.HasPrefix(s, "--"), g.Hash && strings.HasPrefix(s, "#"):
			comment, rest, _ := strings.Cut(s, "\n")
			if strings.Contains(strings.TrimSuffix(comment, "\r"), "\r") { // one server's comment ends there, and another one's does not
				return "", fmt.Errorf("a comment before a statement has a carriage return in it")
			}
			s = rest
		case g.Live && (strings.HasPrefix(s, "/*!") || strings.HasPrefix(s, "/*M!")):
			return "", fmt.Errorf("a statement does not begin with a comment that is executed")
		case strings.HasPrefix(s, "/*"):
			s = g.skipComment(s)
		default:
			return s, nil
		}
	}
}

func (g Grammar) skipComment(s string) string {
	depth := 1
	for i := 2; i+1 < len(s); i++ {
		switch {
		case s[i:i+2] == "*/":
			depth--
			i++
		case s[i:i+2] == "/*" && g.Nested:
			depth++
			i++
		}
		if depth == 0 {
			return s[i+1:]
		}
	}
	return ""
}
