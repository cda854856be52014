package kinds

import (
	"strconv"

	"github.com/txc-dev/txc/tests/internal/campaign"
)

// sqlTexts are the statements of one kind of database; their arguments are the key, the number, and, of take, the least that
// must be left.
type sqlTexts struct {
	put, add, take string
	order          func(key string, n int64, least *int64) []any // of arguments; least is nil but for take
}

// sqlOps writes operations as statements. One that takes what there may not be must change a row.
func sqlOps(ops []campaign.Op, texts sqlTexts) (all []map[string]any) {
	exec := func(text, key string, n int64, least *int64) {
		args := texts.order(key, n, least)
		statement := map[string]any{"text": text, "args": args}
		if least != nil {
			statement["rows"] = 1
		}
		all = append(all, map[string]any{"exec": statement})
	}
	for _, op := range ops {
		switch {
		case op.Put != nil:
			exec(texts.put, op.Put.Key, number(op.Put.Value), nil)
		case op.Add != nil && op.Add.Min != nil:
			exec(texts.take, op.Add.Key, op.Add.By, op.Add.Min)
		case op.Add != nil:
			exec(texts.add, op.Add.Key, op.Add.By, nil)
		default:
			panic("these operations only write")
		}
	}
	return all
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
