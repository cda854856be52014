package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/txc-dev/txc"
)

// format is that of the tables; an older program leaves a newer format alone.
const format = 1

// tables serve every participant that the database has. A row of txc_branch is a branch's promise for as long as the server
// lists its xid, with what the list has no place for, and the proof that it committed afterwards.
var tables = []string{`
create table if not exists txc_memory (
	cluster varchar(16), participant varchar(47), format int not null, instance binary(16) not null, incarnation binary(16) not null,
	primary key (cluster, participant))`, `
create table if not exists txc_witness (
	cluster varchar(16), participant varchar(47), coordinator bigint unsigned, epoch bigint unsigned not null, mark char(16) not null,
	lsn bigint unsigned not null,
	primary key (cluster, participant, coordinator))`, `
create table if not exists txc_branch (
	cluster varchar(16), participant varchar(47), coordinator bigint unsigned, epoch bigint unsigned, sequence bigint unsigned, mark char(16),
	gid varchar(160) not null, members varchar(4096) not null, age bigint unsigned not null, session bigint unsigned not null,
	since datetime(6) not null, by_hand tinyint not null default 0,
	primary key (cluster, participant, coordinator, epoch, sequence, mark))`, `
create table if not exists txc_settled (
	cluster varchar(16) not null, participant varchar(47) not null, gid varchar(160) primary key,
	members varchar(4096) not null, age bigint unsigned not null, session bigint unsigned not null,
	committed tinyint not null, who text character set utf8mb4 not null, why text character set utf8mb4 not null, since datetime(6) not null)`,
}

// of all of them: names are of a small alphabet, and their case counts.
const storage = ` engine = innodb default character set ascii collate ascii_bin comment = 'txc: the promises, proofs and witnesses of participants'`

// found makes what is missing: tables, and this participant's row with its identity. From its commit on the processes that
// opened before can promise nothing.
func (s *Store) found(ctx context.Context, instance [16]byte) error {
	var there int
	err := s.finish.QueryRowContext(ctx, `select count(*) from information_schema.tables where table_schema = database()
		and table_name in ('txc_memory', 'txc_witness', 'txc_branch', 'txc_settled')`).Scan(&there)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if there == len(tables) { // "if not exists" asks for the right to create even where nothing is to be created
			break
		}
		if _, err := s.finish.ExecContext(ctx, t+storage); err != nil {
			return fmt.Errorf("make the tables txc_…: %w", err)
		}
	}
	return s.together(ctx, func(tx *sql.Tx) error {
		var is int
		err := tx.QueryRowContext(ctx, `select format from txc_memory where cluster = ? and participant = ?`, s.o.Cluster, s.o.Name).Scan(&is)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case is > format:
			return fmt.Errorf("%w: the tables txc_… are of format %d: made by a newer txc", txc.ErrRefused, is)
		}
		_, err = tx.ExecContext(ctx, `insert into txc_memory values (?, ?, ?, ?, ?) on duplicate key update incarnation = values(incarnation)`,
			s.o.Cluster, s.o.Name, format, instance[:], s.incarnation[:])
		return err
	})
}
