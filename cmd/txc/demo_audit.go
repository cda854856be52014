package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/txc-dev/txc/participant/kv"
)

// auditObject is what the demonstration found: with -o json, its only data.
type auditObject struct {
	Holds    bool           `json:"holds"`
	Expected map[string]int `json:"expected"`
	Found    map[string]int `json:"found"`
	Ledger   []string       `json:"ledger"`
	InDoubt  int            `json:"in_doubt"`
	Locks    int            `json:"locks"`
	Took     string         `json:"took"`
	Data     string         `json:"data"` // "" if it is gone
}

// audit stops everything and counts the money in the participants' own files.
func (d *demo) audit() error {
	d.title("Count the money: stop everything, and read the participants' own files")
	for _, name := range append([]string{"coordinator"}, devParticipants...) {
		if err := d.Stop(name); err != nil {
			return err
		}
	}
	const moved = 30 + 20 + 5 // by the transfers 1, 3 and 4; 2 was the overdraft
	o := auditObject{
		Expected: map[string]int{"alice": openAlice - moved, "bob": openBob + moved, "total": openAlice + openBob},
		Found:    map[string]int{}, Ledger: []string{},
	}
	for _, name := range devParticipants {
		if err := d.count(name, &o); err != nil {
			return err
		}
	}
	o.Found["total"] = o.Found["alice"] + o.Found["bob"]
	slices.Sort(o.Ledger)
	o.Holds = o.InDoubt == 0 && o.Locks == 0 && slices.Equal(o.Ledger, []string{"transfer-1=30", "transfer-3=20", "transfer-4=5"})
	for account, n := range o.Expected {
		o.Holds = o.Holds && o.Found[account] == n
	}
	if d.kept {
		o.Data = d.dir
	}
	o.Took = *durationOf(d.p.now().Sub(d.began))
	d.say("   | bank-a   alice %d", o.Found["alice"])
	d.say("   | bank-b   bob %d", o.Found["bob"])
	d.say("   | ledger   %v", o.Ledger)
	d.say("   | %d branches in doubt, %d locks left", o.InDoubt, o.Locks)
	if !o.Holds {
		return fmt.Errorf("the audit does not hold: expected %v, found %v and %v, %d in doubt, %d locks", o.Expected, o.Found, o.Ledger, o.InDoubt, o.Locks)
	}
	d.say("   The audit holds: %d at the beginning, %d at the end, one record for each transfer that committed. (%s)", o.Expected["total"], o.Found["total"], o.Took)
	if d.p.asJSON {
		return d.p.writeJSON(o)
	}
	return nil
}

// count reads one participant's store.
func (d *demo) count(name string, o *auditObject) error {
	var text bytes.Buffer
	if err := kv.Dump(filepath.Join(d.dir, name), &text); err != nil {
		return fmt.Errorf("read the store of %s: %w", name, err)
	}
	data := map[string]string{}
	for lines := json.NewDecoder(&text); ; {
		var line struct{ Kind, Key, Value string }
		err := lines.Decode(&line)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the store of %s: %w", name, err)
		}
		switch line.Kind {
		case "data":
			data[line.Key] = line.Value
		case "in-doubt":
			o.InDoubt++
		case "lock":
			o.Locks++
		}
	}
	var err error
	switch name {
	case "bank-a":
		o.Found["alice"], err = balanceOf(data, "alice")
	case "bank-b":
		o.Found["bob"], err = balanceOf(data, "bob")
	default:
		for key, value := range data {
			o.Ledger = append(o.Ledger, key+"="+value)
		}
	}
	return err
}
