package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// autopsy shows what the servers said last, when the story went wrong.
func (d *demo) autopsy() {
	const tail = 1500
	for _, name := range append([]string{"coordinator"}, devParticipants...) {
		text, err := os.ReadFile(filepath.Join(d.dir, name+".log"))
		if err != nil || len(text) == 0 {
			continue
		}
		d.p.words("--- the end of %s.log", name)
		d.p.words("%s", bytes.TrimSpace(text[max(0, len(text)-tail):]))
	}
}

// call runs one of this program's own commands against the demonstration's coordinator.
func (d *demo) call(stdin string, args ...string) (stdout, stderr string, exit int) {
	var out, words bytes.Buffer
	p := &program{stdin: strings.NewReader(stdin), stdout: &out, stderr: &words, now: d.p.now}
	exit = p.run(d.ctx, append([]string{"txc", "--coordinator", d.Address("coordinator"), "-o", "table"}, args...))
	return out.String(), words.String(), exit
}
