package joined_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc/api/rpc"
	"github.com/txc-dev/txc/client"
	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant"
	"github.com/txc-dev/txc/participant/kv"
	"github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/participant/postgres"
	"github.com/txc-dev/txc/tests/internal/servers"
	"github.com/txc-dev/txc/wal/mem"
)

// limit bounds every wait of these tests.
const limit = 30 * time.Second

// town is a coordinator, a client, and services, each with a database of its own: in PostgreSQL, in MariaDB where the service's
// name begins with an m, or a key-value store where it begins with a k.
type town struct {
	t        *testing.T
	postgres *servers.PostgresServer
	maria    *servers.MariaDBServer // nil: no service needs it
	address  string                 // the coordinator's
	client   *client.Client
	services map[string]*service
}

func newTown(t *testing.T, names ...string) *town {
	t.Helper()
	w := &town{t: t, postgres: servers.Postgres(t), services: map[string]*service{}}
	w.coordinate()
	var err error
	w.client, err = client.Dial([]string{w.address}, client.Options{})
	w.ok(err)
	t.Cleanup(func() { w.closed(w.client.Close()) })
	for _, name := range names {
		if inKV(name) {
			s := &service{town: w, name: name, dir: t.TempDir()}
			w.services[name] = s
			s.start()
			t.Cleanup(s.stop)
			w.shipped(name, client.KV(client.Put("x", []byte("100"))))
			continue
		}
		admin := "postgres"
		if inMaria(name) {
			if admin = "mysql"; w.maria == nil {
				w.maria = servers.MariaDB(t)
			}
		}
		w.do(admin, "create database "+name)
		w.do(name, "create table account (id varchar(20) primary key, n int not null check (n >= 0)); insert into account values ('x', 100)")
		s := &service{town: w, name: name}
		w.services[name] = s
		s.start()
		t.Cleanup(s.stop)
	}
	return w
}

func (w *town) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) closed(err error) {
	if err != nil {
		w.t.Error(err)
	}
}

func (w *town) within() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *town) listen() net.Listener {
	l, err := rpc.Listen("127.0.0.1:0", false)
	w.ok(err)
	return l
}

func (w *town) coordinate() {
	log, recovery, err := mem.Open(mem.NewDisk(), mem.Options{Cluster: "txc", Number: 1, Mark: 77, Now: time.Now})
	w.ok(err)
	o := rpc.Options{Logger: slog.New(slog.DiscardHandler)}
	c, err := coordinator.Open(w.within(), log, recovery, rpc.Dialer(o), coordinator.Options{Logger: o.Logger, AskFor: 50 * time.Millisecond, RetryMin: 50 * time.Millisecond})
	w.ok(err)
	server, err := rpc.NewCoordinatorServer(w.within(), c, o)
	w.ok(err)
	l := w.listen()
	w.address = l.Addr().String()
	var served sync.WaitGroup
	served.Go(func() { w.closed(server.Serve(l)) })
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		w.closed(c.Close(ctx))
		server.Close(ctx)
		served.Wait()
	})
}

// service is a business with its own API and a participant beside it, in one process with the tests.
type service struct {
	healthpb.UnimplementedHealthServer
	town *town
	name string
	dir  string      // of a key-value store
	mute atomic.Bool // the trailers of its calls are lost

	kv     *kv.Store // nil: a database
	agent  *participant.Agent
	way    *rpc.Directory
	beside *rpc.Server
	own    *grpc.Server
	conn   *grpc.ClientConn
	served sync.WaitGroup
}

func (s *service) start() {
	w := s.town
	store := s.open()
	var err error
	s.way, err = rpc.DialDirectory(w.address, "txc")
	w.ok(err)
	l, api := w.listen(), w.listen()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	s.agent, err = participant.Open(w.within(), store, []participant.Coordinator{s.way}, participant.Options{Name: s.name, Advertise: l.Addr().String(), Logger: logger})
	w.ok(err)
	s.beside = rpc.NewParticipantServer(s.agent, "txc", rpc.Options{Logger: logger})
	s.own = grpc.NewServer(grpc.ChainUnaryInterceptor(s.interfere, rpc.ServeJoined(s.agent, "txc")))
	healthpb.RegisterHealthServer(s.own, s)
	s.served.Go(func() { w.closed(s.beside.Serve(l)) })
	s.served.Go(func() { w.closed(s.own.Serve(api)) })
	s.conn, err = grpc.NewClient(api.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUnaryInterceptor(rpc.JoinCalls()))
	w.ok(err)
	w.until(s.name+" is heard", func() bool {
		ctx, cancel := context.WithTimeout(w.within(), 5*time.Second)
		defer cancel()
		var look client.Work = rawWork(`select 1`)
		if inKV(s.name) {
			look = client.KV(client.Get("x"))
		}
		_, err := w.client.Run(ctx, func(_ context.Context, tx *client.Tx) error { return tx.Enlist(s.name, look) }, client.Timeout(time.Second))
		return err == nil
	})
}

// open opens the participant's store: few sessions, and short waits.
func (s *service) open() participant.Resource {
	w := s.town
	if inKV(s.name) {
		var err error
		s.kv, err = kv.Open(w.within(), s.dir, kv.Options{Cluster: "txc", Name: s.name, MinFree: 1, Ballast: -1})
		w.ok(err)
		return s.kv
	}
	if inMaria(s.name) {
		store, err := mysql.Open(w.within(), w.maria.Store(s.name), mysql.Options{
			Cluster: "txc", Name: s.name, Password: servers.Password, Connections: 4, Handlers: mariaHandlers, AllowFreeSQL: true, LockTimeout: time.Second,
		})
		w.ok(err)
		return store
	}
	store, err := postgres.Open(w.within(), w.postgres.URL(s.name), postgres.Options{
		Cluster: "txc", Name: s.name, Connections: 4, Handlers: handlers, AllowFreeSQL: true, LockTimeout: 300 * time.Millisecond,
	})
	w.ok(err)
	return store
}

// stop ends the service as a program does that is told to.
func (s *service) stop() {
	if s.agent == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s.town.closed(s.conn.Close())
	s.own.Stop()
	s.beside.Close(ctx)
	s.served.Wait()
	s.town.closed(s.agent.Close(ctx))
	s.town.closed(s.way.Close())
	s.agent = nil
}

// restart ends it and starts it anew, on other ports.
func (s *service) restart() {
	s.stop()
	s.start()
}

// interfere stands between the wire and everything else of the service.
func (s *service) interfere(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if s.mute.Load() {
		ctx = grpc.NewContextWithServerTransportStream(ctx, muted{grpc.ServerTransportStreamFromContext(ctx)})
	}
	return next(ctx, req)
}

// muted is a call's transport on which trailers are lost.
type muted struct{ grpc.ServerTransportStream }

func (muted) SetTrailer(metadata.MD) error { return nil }

// call asks the service to do something: steps, separated by semicolons, in order.
//
//	add N            to its account, by SQL
//	on NAME: STEPS   the rest, at another service
//	hush STEPS       the rest, and no error is told
//	fail             the business says no
//	sql TEXT         runs a statement
//	pass TEXT        the statement fails, and that is passed over
//	rows             rows stay open
func (s *service) call(ctx context.Context, steps string) error {
	_, err := healthpb.NewHealthClient(s.conn).Check(ctx, &healthpb.HealthCheckRequest{Service: steps})
	return err
}

func (s *service) Check(ctx context.Context, r *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	h, err := s.hand(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.run(ctx, h, r.GetService()); err != nil {
		return nil, err
	}
	return &healthpb.HealthCheckResponse{}, nil
}

func (s *service) run(ctx context.Context, h hand, steps string) error {
	step, rest, more := strings.Cut(steps, "; ")
	verb, what, _ := strings.Cut(step, " ")
	switch verb {
	case "add":
		if err := h.add(ctx, what); err != nil {
			return err
		}
	case "on":
		name, further, _ := strings.Cut(strings.TrimPrefix(steps, "on "), ": ")
		return s.town.services[name].call(ctx, further)
	case "hush":
		_ = s.run(ctx, h, strings.TrimPrefix(steps, "hush "))
		return nil
	case "fail":
		return status.Error(codes.NotFound, "the business says no")
	case "pass":
		if err := h.exec(ctx, what); err == nil {
			return errors.New("it did not fail: " + what)
		}
	case "rows":
		if err := h.leaveRows(ctx); err != nil {
			return err
		}
	case "sql":
		if err := h.exec(ctx, what); err != nil {
			return err
		}
	default:
		return fmt.Errorf("step %q", step)
	}
	if more {
		return s.run(ctx, h, rest)
	}
	return nil
}

// do runs statements as somebody who has nothing to do with us.
func (w *town) do(database string, text string) {
	w.t.Helper()
	if inMaria(database) {
		db := w.mariaDB(database)
		_, err := db.ExecContext(w.within(), text)
		w.ok(errors.Join(err, db.Close()))
		return
	}
	c, err := pgx.Connect(w.within(), w.postgres.URL(database))
	w.ok(err)
	_, err = c.PgConn().Exec(w.within(), text).ReadAll()
	w.ok(errors.Join(err, c.Close(w.within())))
}

// number reads one.
func (w *town) number(database, text string) (n int) {
	w.t.Helper()
	if inMaria(database) {
		db := w.mariaDB(database)
		err := db.QueryRowContext(w.within(), text).Scan(&n)
		w.ok(errors.Join(err, db.Close()))
		return n
	}
	c, err := pgx.Connect(w.within(), w.postgres.URL(database))
	w.ok(err)
	err = c.QueryRow(w.within(), text).Scan(&n)
	w.ok(errors.Join(err, c.Close(w.within())))
	return n
}

// balances checks what each service's account is.
func (w *town) balances(want int) {
	w.t.Helper()
	for name := range w.services {
		if n := w.balance(name); n != want {
			w.t.Errorf("%s has %d, want %d", name, n, want)
		}
	}
}

// balance reads a service's account as somebody who has nothing to do with us.
func (w *town) balance(name string) (n int) {
	w.t.Helper()
	if !inKV(name) {
		return w.number(name, "select n from account where id = 'x'")
	}
	text, _, err := w.services[name].kv.Get("x")
	w.ok(err)
	_, err = fmt.Sscan(text, &n)
	w.ok(err)
	return n
}

// shipped runs a transaction of work that is shipped to one participant.
func (w *town) shipped(name string, work client.Work) {
	w.t.Helper()
	_, err := w.client.Run(w.within(), func(_ context.Context, tx *client.Tx) error { return tx.Enlist(name, work) })
	w.ok(err)
}

// outsider adds to an account, and waits until no branch is in its way.
func (w *town) outsider(name string, n int) {
	w.t.Helper()
	switch {
	case inKV(name):
		w.shipped(name, client.KV(client.Add("x", int64(n))))
	case inMaria(name):
		w.do(name, "set innodb_lock_wait_timeout = 20; "+fmt.Sprintf(addText, fmt.Sprint(n)))
	default:
		w.do(name, "set lock_timeout = '20s'; "+fmt.Sprintf(addText, fmt.Sprint(n)))
	}
}

// open counts the transactions that are open or prepared in the servers.
func (w *town) open() (n int) {
	w.t.Helper()
	n = w.number("postgres", `select (select count(*) from pg_prepared_xacts)
		+ (select count(*) from pg_stat_activity where application_name like 'txc/%' and state like 'idle in transaction%')`)
	if w.maria != nil {
		n += w.number("mysql", "select count(*) from information_schema.innodb_trx")
	}
	for name, s := range w.services {
		if inKV(name) {
			r, err := s.kv.Check(w.within())
			w.ok(err)
			n += int(min(r.Locks, 1) + r.InDoubt)
		}
	}
	return n
}

// quiet waits until no transaction is open or prepared, no lock held.
func (w *town) quiet() {
	w.t.Helper()
	w.until("nothing is open", func() bool { return w.open() == 0 })
}

// until waits for a condition that nothing announces.
func (w *town) until(what string, ok func() bool) {
	w.t.Helper()
	pause := 10 * time.Millisecond
	if w.maria != nil {
		pause = 150 * time.Millisecond // what its tables say of transactions is never renewed for who looks more often
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	late := time.NewTimer(limit)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			w.t.Fatalf("not in %v: %s", limit, what)
		}
	}
}
