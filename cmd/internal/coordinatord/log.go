package coordinatord

import (
	"log/slog"

	"github.com/txc-dev/txc/wal"
	"github.com/txc-dev/txc/wal/badgerwal"
)

func openLog(o Options, address string, logger *slog.Logger) (wal.Log, wal.Recovery, error) {
	l, recovery, err := badgerwal.Open(o.Dir, badgerwal.Options{
		Cluster: o.Cluster, Number: o.Number, Software: o.Software, Address: address, HistoryAge: o.HistoryAge, HistorySize: int64(o.HistorySize),
		MinFree: o.MinFree, Ballast: o.Ballast, Logger: logger,
	})
	if err != nil {
		return nil, recovery, err // no typed nil
	}
	return l, recovery, nil
}
