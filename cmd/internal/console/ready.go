package console

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Ready is the first line on a server's stdout, written once it serves.
type Ready struct {
	Listening    string            `json:"listening"`
	Cluster      string            `json:"cluster"`
	Number       uint32            `json:"number,omitempty"`       // a coordinator's
	Epoch        uint32            `json:"epoch,omitempty"`        // a coordinator's
	Name         string            `json:"name,omitempty"`         // a participant's
	Participants map[string]string `json:"participants,omitempty"` // of `dev`: where they listen
	PID          int               `json:"pid"`
}

// Write puts the line out.
func (r Ready) Write(w io.Writer) error {
	r.PID = os.Getpid()
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write ready line: %w", err)
	}
	if _, err := w.Write(append(line, '\n')); err != nil && !Gone(err) {
		return fmt.Errorf("write ready line: %w", err)
	}
	return nil
}
