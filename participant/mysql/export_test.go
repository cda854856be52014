package mysql

import driver "github.com/go-sql-driver/mysql"

// What only tests look at.
var (
	CodeOf     = codeOf
	Admissible = grammar.Admissible
	VersionOf  = versionOf
	Decode     = decode
)

// Password is the one that an address comes to.
func Password(address, password string) (string, error) {
	c, err := configure(address, password)
	if err != nil {
		return "", err
	}
	return c.Passwd, nil
}

// Server is where an address leads, as a driver's configuration.
func Server(address string) (*driver.Config, error) { return configure(address, "") }

// Ours says whether a line of XA RECOVER is a branch of a participant in a database.
func Ours(database, cluster, name string, format, gtrid, bqual int64, data []byte) (string, bool) {
	s := &Store{o: Options{Cluster: cluster, Name: name}, format: formatOf(database)}
	return s.ours(format, gtrid, bqual, data)
}

// Format is that of a database's xids.
var Format = formatOf

// XID spells a branch's name as its database's XA statements do.
func XID(database, gid string) string { return (&Store{format: formatOf(database)}).xid(gid).literal() }
