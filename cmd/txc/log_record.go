package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/wal"
)

// bodyOf is what a record says, for scripts.
func bodyOf(body wal.Body) map[string]any {
	switch b := body.(type) {
	case wal.OpenedBody:
		return map[string]any{"epoch": b.Epoch, "mark": txc.FormatMark(b.Mark), "software": b.Software}
	case wal.CommitBody:
		members := []string{}
		for _, m := range b.Members {
			members = append(members, m.Participant)
		}
		return map[string]any{
			"members": members, "labels": labelsOrEmpty(b.Labels), "key": b.Key, "own_key": b.OwnKey,
			"digest": hex.EncodeToString(b.Digest[:]), "began": b.Began.UTC().Format(timeForm),
		}
	case wal.HeuristicBody:
		return map[string]any{"outcome": b.Outcome.String(), "mark": txc.FormatMark(b.Mark), "participant": b.Participant, "fate": b.Fate.String(), "reason": reasonOf(reasonPB(b.Why))}
	case wal.ResolutionBody:
		return map[string]any{
			"what": b.What, "participant": b.Participant, "outcome": b.Outcome.String(), "epoch": b.Epoch, "lost": rangesOf(b.Lost),
			"instance": hex.EncodeToString(b.Instance[:]), "stamp": b.Stamp, "who": b.Who, "why": b.Why,
		}
	case wal.RegistrationBody:
		return map[string]any{
			"name": b.Name, "address": b.Address, "store": b.Kind, "version": b.Version, "instance": hex.EncodeToString(b.Instance[:]),
			"stamp": b.Stamp, "state": b.State, "who": b.Who, "why": b.Why,
		}
	case wal.StoppedBody:
		return map[string]any{"participant": b.Participant, "epoch": b.Epoch, "mark": txc.FormatMark(b.Mark), "shown": b.Shown, "what": b.What, "text": b.Text}
	case wal.PresumedBody:
		return map[string]any{"mark": txc.FormatMark(b.Mark), "absent": listed(b.Absent), "checked": b.Checked}
	case wal.AcknowledgedBody:
		return map[string]any{"participants": listed(b.Participants)}
	case wal.EndBody:
		return map[string]any{"took": since(b.Took), "retries": b.Retries}
	case wal.AbortBody:
		return map[string]any{"reason": reasonOf(reasonPB(b.Reason)), "members": listed(b.Members), "labels": labelsOrEmpty(b.Labels), "key": b.Key, "began": b.Began.UTC().Format(timeForm)}
	case wal.CheckpointBody:
		return map[string]any{"records": b.Records}
	case wal.DroppedBody:
		return map[string]any{"floor": idText(b.Floor), "next": b.Next}
	case wal.ClosedBody:
		return map[string]any{}
	default:
		return map[string]any{"unknown": fmt.Sprintf("%T", body)}
	}
}

func labelsOrEmpty(labels map[string]string) map[string]string {
	if labels == nil {
		return map[string]string{}
	}
	return labels
}

// recordWords is a record for people: its transaction, and what its body says that is not empty.
func recordWords(r wal.Record) string {
	words := []string{}
	if !r.ID.IsZero() {
		words = append(words, r.ID.String())
	}
	if b, ok := r.Body.(wal.ResolutionBody); ok {
		return strings.Join(append(words, fmt.Sprintf("%s %s by %s: %s%s", b.What, b.Participant, b.Who, b.Why, rangeWords(b.Lost))), "  ")
	}
	body, err := json.Marshal(bodyOf(r.Body))
	if err != nil {
		return err.Error()
	}
	if text := string(body); text != "{}" {
		words = append(words, text)
	}
	return strings.Join(words, "  ")
}
