package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/txc-dev/txc"
)

// xid names a branch of the server. gtrid and bqual joined by a dot are the branch's name. The server has one list for all of
// its databases, and takes xids that differ in their format alone for one: the format says of which database a branch is, and
// is looked at before a branch is touched.
type xid struct {
	gtrid, bqual string
	format       int64
}

// xid is that of a branch of this database.
func (s *Store) xid(gid string) xid {
	dot := strings.LastIndexByte(gid, '.') // names end in <mark>/<participant>: a participant's name may have dots
	if slash := strings.LastIndexByte(gid, '/'); slash >= 0 {
		dot = strings.LastIndexByte(gid[:slash], '.')
	}
	if dot < 0 {
		return xid{bqual: gid, format: s.format}
	}
	return xid{gid[:dot], gid[dot+1:], s.format}
}

// literal is how XA statements spell it. Names have no quotes.
func (x xid) literal() string { return fmt.Sprintf("'%s','%s',%d", x.gtrid, x.bqual, x.format) }

func (x xid) name() string { return x.gtrid + "." + x.bqual }

// formatOf is the format of a database's xids.
func formatOf(database string) int64 {
	h := fnv.New32a()
	h.Write([]byte(database)) // never fails
	return int64(h.Sum32() &^ (1 << 31))
}

// recovered is what the server has prepared for this participant, by branch name.
func (s *Store) recovered(ctx context.Context) (map[string]bool, error) {
	all := map[string]bool{}
	err := s.eachPrepared(ctx, func(format, gtrid, bqual int64, data []byte) {
		if name, ours := s.ours(format, gtrid, bqual, data); ours {
			all[name] = true
		}
	})
	return all, err
}

// foreign counts what the server has prepared for nobody of this cluster: it is left alone.
func (s *Store) foreign(ctx context.Context) (n uint64, err error) {
	err = s.eachPrepared(ctx, func(_, gtrid, bqual int64, data []byte) {
		if gtrid < 0 || bqual < 0 || gtrid+bqual != int64(len(data)) {
			n++
			return
		}
		cluster, _, _, _, ok := txc.ParseBranchName(string(data[:gtrid]) + "." + string(data[gtrid:]))
		if !ok || cluster != s.o.Cluster {
			n++
		}
	})
	return n, err
}

// eachPrepared goes over all that the server has prepared, whosever it is. data is see's only while it runs.
func (s *Store) eachPrepared(ctx context.Context, see func(format, gtrid, bqual int64, data []byte)) error {
	rows, err := s.finish.QueryContext(ctx, `xa recover`)
	if err != nil {
		return fmt.Errorf("xa recover: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var format, gtrid, bqual int64
		var data sql.RawBytes
		if err := rows.Scan(&format, &gtrid, &bqual, &data); err != nil {
			return fmt.Errorf("xa recover: %w", err)
		}
		see(format, gtrid, bqual, data)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("xa recover: %w", err)
	}
	return nil
}

// ours says whether a line of the server's list is a branch of this participant in this database, and its name.
func (s *Store) ours(format, gtrid, bqual int64, data []byte) (string, bool) {
	if gtrid < 0 || bqual < 0 || gtrid+bqual != int64(len(data)) {
		return "", false
	}
	x := xid{string(data[:gtrid]), string(data[gtrid:]), format}
	cluster, _, _, name, ok := txc.ParseBranchName(x.name())
	return x.name(), ok && cluster == s.o.Cluster && name == s.o.Name && s.xid(x.name()) == x
}
