package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// errorObject is a Failure for scripts.
type errorObject struct {
	Error struct {
		Code string `json:"code"`
		Text string `json:"text"`
		Hint string `json:"hint"`
	} `json:"error"`
	ID      string `json:"id,omitempty"`
	Key     string `json:"key,omitempty"`
	Outcome string `json:"outcome,omitempty"`
}

// Report tells of an error, if there is one, and gives the exit code. json: an object on stdout; else one line on
// stderr that starts with the program's name. A reader that has gone away is no error.
func Report(err error, program string, asJSON bool, stdout, stderr io.Writer) int {
	if err == nil || Gone(err) {
		return OK
	}
	f := Failed(err)
	if !asJSON {
		_, _ = fmt.Fprintf(stderr, "%s: %s\n", program, f.line()) // nowhere left to tell
		return f.Exit
	}
	var o errorObject
	o.Error.Code, o.Error.Text, o.Error.Hint = f.Code, f.Text, f.Hint
	o.ID, o.Key, o.Outcome = f.ID, f.Key, f.Outcome()
	line, err := json.Marshal(o)
	if err != nil {
		return Error
	}
	_, _ = stdout.Write(append(line, '\n')) // as above
	return f.Exit
}

// line is the whole failure in one line, with id and key, and nothing in it that a terminal would obey.
func (f *Failure) line() string {
	s := f.Error()
	if f.ID != "" {
		s += " (id " + f.ID + ")"
	}
	if f.Key != "" {
		s += " (key " + f.Key + ")"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, OneLine(s))
}
