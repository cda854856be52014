package stores_test

import (
	"testing"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/participant/mysql"
	"github.com/txc-dev/txc/tests/internal/servers"
)

// What others have prepared in the server is counted for people, and left alone.
func TestMariaDBForeignBranchesAreCounted(t *testing.T) {
	t.Parallel()
	m := maria{servers.MariaDB(t), "txc"}
	m.do(t, "create table t (k varchar(60) primary key)")
	s, err := mysql.Open(t.Context(), m.url(), mysql.Options{Cluster: "test", Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	id := txc.ID{Coordinator: 1, Epoch: 1, Sequence: 1}
	for _, name := range []string{"foreign.x/y", txc.BranchName("other", id, 1, "shop"), txc.BranchName("test", id, 1, "orders")} { // the last is a fellow's
		x := xid(name, 7)
		m.do(t, "xa start "+x, "insert into t values ('"+name+"')", "xa end "+x, "xa prepare "+x)
	}
	if r, err := s.Check(t.Context()); err != nil || r.Foreign != 2 || r.InDoubt != 0 {
		t.Errorf("%+v %v", r, err)
	}
}
