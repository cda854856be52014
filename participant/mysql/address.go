package mysql

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/txc-dev/txc"
)

// configure reads an address, mysql://user@host:port/database, with tls=true, skip-verify or preferred, or socket=PATH, behind
// a question mark. What is wrong with it is said without showing it: a password may stand in it.
func configure(address, password string) (*driver.Config, error) {
	u, err := url.Parse(address)
	database := ""
	if err == nil {
		database = strings.TrimPrefix(u.Path, "/")
	}
	if err != nil || u.Scheme != "mysql" && u.Scheme != "mariadb" || u.User.Username() == "" || database == "" || strings.Contains(database, "/") {
		return nil, fmt.Errorf("%w: the address is not mysql://user@host:port/database", txc.ErrInvalid)
	}
	c := driver.NewConfig()
	c.User, c.DBName, c.Net, c.Addr = u.User.Username(), database, "tcp", u.Host
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	for key, values := range u.Query() {
		switch value := values[len(values)-1]; key {
		case "tls":
			c.TLSConfig = value
		case "socket":
			c.Net, c.Addr = "unix", value
		case "password":
			c.Passwd = value
		default:
			return nil, fmt.Errorf("%w: an address knows tls and socket, not %q", txc.ErrInvalid, key)
		}
	}
	if p, is := u.User.Password(); is {
		c.Passwd = p
	}
	if c.Passwd == "" {
		c.Passwd = os.Getenv("MYSQL_PWD")
	}
	if password != "" {
		c.Passwd = password
	}
	c.Timeout, c.Loc, c.Logger = connectLimit, time.UTC, &driver.NopLogger{}
	c.ClientFoundRows = true // an update counts the rows that it found, as SQL has it
	c.MultiStatements = true // ours; a client's statement goes by the protocol that takes one at a time
	return c, nil
}
