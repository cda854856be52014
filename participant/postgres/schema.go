package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/txc-dev/txc"
)

// format is that of the tables; an older program leaves a newer format alone.
const format = 1

// The tables, in a schema of their own, serve every participant that the database has.
const (
	schema = `create schema txc;
comment on schema txc is 'atomic transactions over several stores: the promises, proofs and witnesses of participants';
`
	tables = `
create table if not exists txc.memory (
	cluster text, participant text, format int not null, instance bytea not null, incarnation bytea not null,
	primary key (cluster, participant));
create table if not exists txc.seen (
	cluster text, participant text, coordinator bigint, epoch bigint not null, mark text not null, lsn bigint not null,
	primary key (cluster, participant, coordinator));
create table if not exists txc.promise (
	cluster text, participant text, coordinator bigint, epoch bigint, sequence bigint, mark text,
	gid text not null, members text[] not null, age bigint not null,
	primary key (cluster, participant, coordinator, epoch, sequence, mark));
create table if not exists txc.branch (
	cluster text, participant text, coordinator bigint, epoch bigint, sequence bigint, mark text,
	by_hand boolean not null default false,
	primary key (cluster, participant, coordinator, epoch, sequence, mark));
create table if not exists txc.settled (
	cluster text, participant text, gid text primary key, evidence text not null,
	committed boolean not null, who text not null, why text not null, at timestamptz not null);
`
)

// schemaLock lets one process at a time make the tables.
const schemaLock = 0x747863

// found makes what is missing: tables, and this participant's row with its identity. From its commit on the processes that
// opened before can promise nothing.
func (s *Store) found(ctx context.Context, instance [16]byte) error {
	return pgx.BeginFunc(ctx, s.finish, func(tx pgx.Tx) error {
		var has, there bool
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, schemaLock); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select to_regnamespace('txc') is not null, to_regclass('txc.settled') is not null`).Scan(&has, &there); err != nil {
			return err
		}
		missing := schema + tables
		if has {
			missing = tables
		}
		if !there { // "if not exists" asks for the right to create even where nothing is to be created
			if _, err := tx.Conn().PgConn().Exec(ctx, missing).ReadAll(); err != nil {
				return fmt.Errorf("make the tables of schema txc: %w", err)
			}
		}
		var is int
		err := tx.QueryRow(ctx, `insert into txc.memory values ($1, $2, $3, $4, $5)
			on conflict (cluster, participant) do update set incarnation = excluded.incarnation returning format`,
			s.o.Cluster, s.o.Name, format, instance[:], s.incarnation[:]).Scan(&is)
		if err == nil && is > format {
			err = fmt.Errorf("%w: the tables of schema txc are of format %d: made by a newer txc", txc.ErrRefused, is)
		}
		return err
	})
}
