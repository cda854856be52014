package main

import (
	"context"

	"github.com/txc-dev/txc/coordinator"
	"github.com/txc-dev/txc/participant/kv"
)

// sell enters an order and takes it from stock: both, or neither.
func sell(ctx context.Context, c *coordinator.Coordinator) (r coordinator.Result, err error) {
	order, err := kv.Ops(kv.Put("order/4711", "one lamp")).MarshalWork()
	if err != nil {
		return r, err
	}
	take, err := kv.Ops(kv.Add("lamps", 10).Max(10), kv.Add("lamps", -1).Min(0), kv.Get("lamps")).MarshalWork()
	if err != nil {
		return r, err
	}
	return c.Run(ctx, coordinator.Request{Work: []coordinator.Work{{Participant: "orders", Work: order}, {Participant: "stock", Work: take}}})
}
