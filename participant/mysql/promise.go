package mysql

import (
	"context"
	"fmt"
	"strings"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant"
)

// promise inserts the marker, with all that belongs to the promise, and prepares. From here on only what the server says of it
// counts (P3).
func (s *Store) promise(ctx context.Context, b *branch, p participant.Promise) (participant.Promise, error) {
	if ctx.Err() != nil {
		return s.undo(b, reason(txc.CodeDeadline, "its time ran out")), nil
	}
	issued, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	_, err := batch(issued, b.conn, fmt.Sprintf(`insert into txc_branch values (%s, '%s', x'%x', %d, %d, utc_timestamp(6), 0); xa end %s; xa prepare %[6]s`,
		row(b.Branch), b.name(), list(b.Members), b.Age, b.session.id, b.literal()))
	if err == nil {
		s.keep(b)
		return p, nil
	}
	session := b.session
	answer := s.undo(b, reasonOf(issued, err))
	switch {
	case b.session != nil && numberOf(err) == errDuplicateKey:
		return s.repeated(issued, b.Branch)
	case b.session != nil: // rolled back, whatever it was: nobody was told yes
		return answer, nil
	}
	s.lose(b.name(), session)
	looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	return s.looked(looking, b, p, err)
}

// row is the key of the tables' rows of a branch.
func row(b participant.Branch) string {
	return fmt.Sprintf("'%s', '%s', %d, %d, %d, '%s'", b.Cluster, b.Participant, b.ID.Coordinator, b.ID.Epoch, b.ID.Sequence, txc.FormatMark(b.Mark))
}

// key finds that row alone: by a comparison of lists the server would look at all rows, and wait for those of other branches.
func key(b participant.Branch) string {
	return fmt.Sprintf("cluster = '%s' and participant = '%s' and coordinator = %d and epoch = %d and sequence = %d and mark = '%s'",
		b.Cluster, b.Participant, b.ID.Coordinator, b.ID.Epoch, b.ID.Sequence, txc.FormatMark(b.Mark))
}

// looked says what came of a promise whose session was lost.
func (s *Store) looked(ctx context.Context, b *branch, p participant.Promise, lost error) (participant.Promise, error) {
	err := s.endLost(ctx, b.name())
	var all map[string]bool
	if err == nil {
		all, err = s.recovered(ctx)
	}
	switch {
	case err != nil:
		return p, fmt.Errorf("prepare %s: %w; look: %w", b.name(), lost, err)
	case all[b.name()]:
		return p, nil
	default:
		return no(reason(txc.CodeUnreachable, "its session was lost")), nil
	}
}

// repeated answers for a branch whose name is in use, or that has committed: nothing is executed again (P4).
func (s *Store) repeated(ctx context.Context, b participant.Branch) (participant.Promise, error) {
	ctx, cancel, err := s.deed(context.WithoutCancel(ctx))
	defer cancel()
	if err != nil {
		return participant.Promise{}, err
	}
	all, err := s.recovered(ctx)
	if err != nil {
		return participant.Promise{}, fmt.Errorf("prepare %s again: %w", b.Name(), err)
	}
	if !all[b.Name()] {
		return participant.Promise{}, fmt.Errorf("prepare %s again: it has committed, is at work, or is another database's", b.Name())
	}
	promised, err := s.promises(ctx, map[string]bool{b.Name(): true})
	if err != nil || len(promised) != 1 {
		return participant.Promise{}, fmt.Errorf("prepare %s again: %d are promised: %w", b.Name(), len(promised), err)
	}
	return participant.Promise{Vote: txc.Yes, Evidence: promised[0].Evidence}, nil
}

// list is how members stand in a row; names have no blanks.
func list(members []string) string { return strings.Join(members, " ") }
