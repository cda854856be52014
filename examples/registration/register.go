package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/txc-dev/txc/client"
)

// user is what is registered, and what the event says.
type user struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// register makes a user, and the event that there is one: both, or neither.
func register(ctx context.Context, email, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // how long it is tried
	defer cancel()
	c, err := client.Dial([]string{setting("COORDINATOR", "127.0.0.1:7400")}, client.Options{Software: "registration"})
	if err != nil {
		return err
	}
	defer c.Close()
	event, err := json.Marshal(user{email, name})
	if err != nil {
		return err
	}
	_, err = c.Run(ctx, func(_ context.Context, tx *client.Tx) error {
		return errors.Join(
			tx.Enlist("users", client.SQL(client.Exec("add_user", email, name).Rows(1))),
			tx.Enlist("events", client.Publish(client.Message{To: "events", ContentType: "application/json", Body: event})),
		)
	})
	return err
}
