package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/client"
)

// order is what is sold, and what the event says.
type order struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	SKU      string `json:"sku"`
	Pieces   int    `json:"pieces"`
}

// pointsEach is what a customer is given for each piece.
const pointsEach = 10

// checkout sells an order, once, however often it is called: its number is the transaction's key. The error says that
// nothing was sold, unless it wraps txc.ErrUnknown: then call it again.
func checkout(ctx context.Context, o order) (txc.ID, error) {
	c, err := client.Dial([]string{setting("COORDINATOR", "127.0.0.1:7400")}, client.Options{Software: "checkout"})
	if err != nil {
		return txc.ID{}, err
	}
	defer c.Close()
	event, err := json.Marshal(o)
	if err != nil {
		return txc.ID{}, err
	}
	points := strconv.Itoa(pointsEach * o.Pieces)
	result, err := c.Run(ctx, func(_ context.Context, tx *client.Tx) error {
		return errors.Join(
			tx.Enlist("orders", client.SQL(client.Exec("add_order", o.ID, o.Customer, o.SKU, o.Pieces).Rows(1))),
			tx.Enlist("stock", client.SQL(client.Exec("take", o.Pieces, o.SKU, o.Pieces).Rows(1))),
			tx.Enlist("points", client.Redis(client.Do("incrby", "points:"+o.Customer, points))),
			tx.Enlist("events", client.Publish(client.Message{To: "order.created", ContentType: "application/json", Body: event})),
		)
	}, client.Key("order/"+o.ID))
	return result.ID, err
}
