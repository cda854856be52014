package rpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/connectivity"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/txcpb"
	"github.com/txc-dev/txc/internal/protocol"
)

// calls is a link to a participant that has unary methods alone: a message is a call, its reply the answer. Only so many
// run at once, and Prepares, which may wait for locks, have places of their own.
type calls struct {
	link     *link
	promises *outbox[timed]
	others   *outbox[timed]
	lost     chan error // cap 1
	mu       sync.Mutex
	reader   *frame.MessageReader // has read the participant's hello; guarded by mu
	told     *protocol.Sender     // whose watermark a call has brought, or is about to; guarded by mu
}

// timed is a message and when it was taken: a Prepare's time runs while it waits.
type timed struct {
	protocol.Message
	at time.Time
}

var errLost = fmt.Errorf("%w: the connection was lost", txc.ErrUnavailable)

// unary serves the connection by unary calls until it is lost. greeted: the Hello was taken from the outbox already.
func (l *link) unary(ctx context.Context, out *outbox[protocol.Message], greeted bool) error {
	ctx, cancel := context.WithCancel(ctx)
	conn := l.dialed()
	c := &calls{link: l, promises: newOutbox[timed](MaxQueue), others: newOutbox[timed](MaxQueue), lost: make(chan error, 1)}
	var all sync.WaitGroup
	all.Go(func() {
		if conn.WaitForStateChange(ctx, connectivity.Ready) {
			c.give(errLost)
		}
	})
	if greeted {
		c.sort([]protocol.Message{{From: l.sender(), Body: protocol.Hello{}}})
	}
	all.Go(func() {
		var batch []protocol.Message
		for {
			if batch = out.take(ctx, batch); batch == nil {
				return
			}
			c.sort(batch)
		}
	})
	all.Go(func() { c.work(ctx, c.promises) })
	all.Go(func() { c.work(ctx, c.others) })
	var err error
	select {
	case err = <-c.lost:
	case <-ctx.Done():
		err = ctx.Err()
	}
	cancel()
	all.Wait()
	return err
}

func (l *link) sender() *protocol.Sender {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from
}

// give gives the connection up.
func (c *calls) give(err error) {
	select {
	case c.lost <- err:
	default: // it is given up already
	}
}

func (c *calls) sort(batch []protocol.Message) {
	now := time.Now()
	for _, m := range batch {
		queue := c.others
		if _, ok := m.Body.(protocol.Prepare); ok {
			queue = c.promises
		}
		if !queue.put(timed{m, now}) {
			c.give(fmt.Errorf("%w: %d messages wait", txc.ErrBusy, MaxQueue))
		}
	}
}

// work makes the calls of one queue, at most UnaryWorkers at once.
func (c *calls) work(ctx context.Context, queue *outbox[timed]) {
	places := make(chan struct{}, UnaryWorkers)
	var running sync.WaitGroup
	defer running.Wait()
	var batch []timed
	for {
		if batch = queue.take(ctx, batch); batch == nil {
			return
		}
		for _, m := range batch {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			running.Go(func() {
				c.call(ctx, m)
				<-places
			})
		}
	}
}

// call makes one call and hands its answer over. What fails stays unanswered, and means what that means: no vote, a
// Commit to be repeated, an Abort that was sent once.
func (c *calls) call(ctx context.Context, m timed) {
	answer, err := c.ask(ctx, m)
	if ctx.Err() != nil {
		return
	}
	switch body := m.Body.(type) {
	case protocol.Hello, protocol.List:
		if err != nil {
			c.give(err)
			return
		}
	case protocol.Prepare:
		if err != nil { // P8: unknown, so a No that is not certain
			code := txc.CodeLostVote
			if errors.Is(err, txc.ErrInvalid) {
				code = txc.CodeBadWork
			}
			answer = protocol.Vote{Vote: txc.No, Reason: txc.Reason{Code: code, Text: frame.CutText(err.Error()), Participant: c.link.peer.Name, Retryable: code.Retryable()}}
		}
	default:
		if err != nil {
			c.link.log.Debug("a call went unanswered", "tx", m.ID, "what", fmt.Sprintf("%T", body), "err", err)
			return
		}
	}
	if answer != nil {
		c.link.hand(true, []protocol.Message{{ID: m.ID, Mark: m.Mark, Body: answer}})
	}
}

func (c *calls) ask(ctx context.Context, m timed) (protocol.Body, error) {
	if m.From == nil {
		return nil, fmt.Errorf("%w: %T without its sender", txc.ErrInvalid, m.Body)
	}
	switch body := m.Body.(type) {
	case protocol.Hello:
		return c.hello(ctx, m.From)
	case protocol.List:
		return c.list(ctx, m.From, body.Page)
	case protocol.Prepare:
		return c.prepare(ctx, m, body)
	case protocol.Commit:
		return c.end(ctx, m, protocol.AboutCommit, body.Evidence, body.Relaxed)
	case protocol.Abort:
		return c.end(ctx, m, protocol.AboutAbort, body.Evidence, false)
	case protocol.Answer:
		if body.Outcome == txc.Aborted { // of any other it learns by asking
			return c.end(ctx, m, protocol.AboutAbort, nil, false)
		}
		return nil, nil
	case protocol.Welcome, protocol.Vote, protocol.Fated, protocol.Fenced, protocol.Inquiry, protocol.Listed:
		return nil, fmt.Errorf("%w: a coordinator does not say %T", txc.ErrInvalid, body)
	}
	return nil, nil
}

func (c *calls) hello(ctx context.Context, from *protocol.Sender) (protocol.Body, error) {
	ctx, cancel := context.WithTimeout(ctx, HelloWait)
	defer cancel()
	p, err := c.link.client().Recover(ctx, &txcpb.RecoverRequest{From: senderPB(from), Participant: c.link.peer.Name})
	if err != nil {
		return nil, FromStatus(err)
	}
	if p.GetReason().GetCode() == fenced {
		return fencedBy(protocol.AboutHello, highest(p.GetSeen(), from.Coordinator)), nil
	}
	name := p.GetParticipant()
	if name == "" {
		name = c.link.peer.Name
	}
	r := frame.NewMessageReader(frame.AtCoordinator, "", c.link.peer.Name)
	r.Opened(frame.OpeningOf(from))
	m, err := messageOf(r, &txcpb.Frame{Hello: &txcpb.Hello{
		VersionMin: frame.VersionMin, VersionMax: frame.VersionMax, Name: name, Instance: p.GetInstance(), Seen: p.GetSeen(),
		Incarnation: p.GetIncarnation(), Stamp: p.GetStamp(), Software: p.GetSoftware(),
	}})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reader = r
	c.link.linked(p.GetSoftware(), "unary")
	return m.Body, nil
}

// read reads a reply as a stream's entry.
func (c *calls) read(e *txcpb.Entry) (protocol.Body, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reader == nil {
		return nil, fmt.Errorf("%w: no hello yet", txc.ErrInvalid)
	}
	m, err := messageOf(c.reader, &txcpb.Frame{Entries: []*txcpb.Entry{e}})
	return m.Body, err
}

func (c *calls) list(ctx context.Context, from *protocol.Sender, page string) (protocol.Body, error) {
	ctx, cancel := context.WithTimeout(ctx, unaryWait)
	defer cancel()
	p, err := c.link.client().Recover(ctx, &txcpb.RecoverRequest{From: senderPB(from), Participant: c.link.peer.Name, Page: page})
	if err != nil {
		return nil, FromStatus(err)
	}
	if p.GetReason().GetCode() == fenced {
		return fencedBy(protocol.AboutList, highest(p.GetSeen(), from.Coordinator)), nil
	}
	return c.read(&txcpb.Entry{What: &txcpb.Entry_Listed{Listed: &txcpb.RecoverReply{
		InDoubt: p.GetInDoubt(), Committed: p.GetCommitted(), Seen: p.GetSeen(), NextPage: p.GetNextPage(),
	}}})
}

func (c *calls) prepare(ctx context.Context, m timed, body protocol.Prepare) (protocol.Body, error) {
	body.TimeLeft -= time.Since(m.at)
	if body.TimeLeft <= 0 {
		return nil, fmt.Errorf("%w: no time was left", txc.ErrUnavailable)
	}
	m.Body = body
	from := m.From
	m.From = withoutWatermark(from) // what the message says does not need it
	e, err := said(m.Message)
	if err != nil {
		return nil, err
	}
	from, watermark := c.bear(from)
	r := e.GetPrepare()
	r.From, r.Id, r.Participant = senderPB(from), m.ID.String(), c.link.peer.Name
	ctx, cancel := context.WithTimeout(ctx, body.TimeLeft)
	defer cancel()
	p, err := c.link.client().Prepare(ctx, r)
	if err != nil {
		c.untold(watermark)
		return nil, FromStatus(err)
	}
	if p.GetReason().GetCode() == fenced && p.GetVote() != txcpb.Vote_YES && p.GetVote() != txcpb.Vote_HELD {
		return fencedBy(protocol.AboutPrepare, p.GetSeen()), nil
	}
	return c.read(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Vote{Vote: p}})
}

func (c *calls) end(ctx context.Context, m timed, about protocol.About, evidence []byte, relaxed bool) (protocol.Body, error) {
	from, watermark := c.bear(m.From)
	r := &txcpb.CommitRequest{From: senderPB(from), Id: m.ID.String(), Participant: c.link.peer.Name, Evidence: evidence, Mark: m.Mark, Relaxed: relaxed}
	ctx, cancel := context.WithTimeout(ctx, unaryWait)
	defer cancel()
	way := c.link.client().Commit
	if about == protocol.AboutAbort {
		way = c.link.client().Abort
	}
	p, err := way(ctx, r)
	if err != nil {
		c.untold(watermark)
		return nil, FromStatus(err)
	}
	if p.GetReason().GetCode() == fenced && p.GetFate() == txcpb.Fate_FATE_UNSPECIFIED {
		return fencedBy(about, p.GetSeen()), nil
	}
	return c.read(&txcpb.Entry{Sequence: 1, What: &txcpb.Entry_Fate{Fate: p}})
}

// bear gives the sender as the next call has it. A watermark may name a thousand ids: one call brings it, those beside and
// after that leave it out, which says nothing of it. watermark reports that this call is the one.
func (c *calls) bear(from *protocol.Sender) (s *protocol.Sender, watermark bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told != nil && c.told.Watermark == from.Watermark && slices.Equal(c.told.Open, from.Open) {
		return withoutWatermark(from), false
	}
	c.told = from
	return from, true
}

func withoutWatermark(from *protocol.Sender) *protocol.Sender {
	bare := *from
	bare.Watermark, bare.Open = txc.ID{}, nil
	return &bare
}

// untold has a later call bring the watermark, for the one that bore it may not have arrived.
func (c *calls) untold(watermark bool) {
	if watermark {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.told = nil
	}
}

// said writes a message as the entry that a stream of its sender would have.
func said(m protocol.Message) (*txcpb.Entry, error) {
	w, err := writerTo(m.From)
	if err != nil {
		return nil, err
	}
	return entryOf(w, m)
}

func fencedBy(about protocol.About, s *txcpb.Seen) protocol.Fenced {
	return protocol.Fenced{About: about, Seen: protocol.Seen{Coordinator: s.GetCoordinator(), Epoch: s.GetEpoch(), Mark: s.GetMark(), LSN: s.GetLsn()}}
}

// highest finds the witness of a coordinator.
func highest(all []*txcpb.Seen, coordinator uint32) (best *txcpb.Seen) {
	for _, s := range all {
		if s.GetCoordinator() == coordinator && (best == nil || s.GetEpoch() > best.GetEpoch()) {
			best = s
		}
	}
	return best
}
