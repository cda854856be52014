package mysql

import (
	"fmt"
	"strings"
)

// version is that of a server.
type version struct {
	maria bool
	major int
	minor int
	patch int
}

// versionOf reads what version() says: 8.0.36, 10.11.6-MariaDB, or 5.5.5-10.11.6-MariaDB. What it cannot read is version 0.
func versionOf(text string) version {
	v := version{maria: strings.Contains(text, "MariaDB")}
	if v.maria {
		text = strings.TrimPrefix(text, "5.5.5-") // what replication from old servers wanted to see
	}
	if n, _ := fmt.Sscanf(text, "%d.%d.%d", &v.major, &v.minor, &v.patch); n < 2 { // the error says less
		return version{maria: v.maria}
	}
	return v
}

func (v version) number() int { return v.major*10_000 + v.minor*100 + v.patch }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

// supported: from here on what was prepared survives the end of its session.
func (v version) supported() bool {
	if v.maria {
		return v.number() >= 100500
	}
	return v.number() >= 50707
}

// binlogSafe: XA and the binary log agree after a crash.
func (v version) binlogSafe() bool { return !v.maria && v.number() >= 80030 }

// isolation is what the level of a session's transactions is called.
func (v version) isolation() string {
	if v.maria || v.major < 8 {
		return "tx_isolation"
	}
	return "transaction_isolation"
}

// mayDetach: a session can be free of what it has prepared.
func (v version) mayDetach() bool { return !v.maria && v.number() >= 80029 }
