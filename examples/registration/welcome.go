package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc/participant/staged/once"
)

// welcome writes a letter to each user that an event tells of, until ctx ends.
func welcome(ctx context.Context) error {
	db, err := pgx.Connect(ctx, setting("DATABASE", "postgres://app@127.0.0.1/app"))
	if err != nil {
		return err
	}
	defer db.Close(context.Background())
	broker, err := amqp.Dial(setting("BROKER", "amqp://app@127.0.0.1/"))
	if err != nil {
		return err
	}
	defer broker.Close()
	ch, err := broker.Channel()
	if err != nil {
		return err
	}
	events, err := ch.ConsumeWithContext(ctx, "events", "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	for event := range events {
		if err := letter(ctx, db, event); err != nil {
			return err // what was not acknowledged is delivered again, to whoever comes next
		}
		if err := event.Ack(false); err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		return errors.New("the broker has closed the connection")
	}
	return nil
}

// letter writes one letter. An event that is delivered again is known by its id, which is noted in the same transaction.
func letter(ctx context.Context, db *pgx.Conn, event amqp.Delivery) error {
	var u user
	if err := json.Unmarshal(event.Body, &u); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		seen := once.PGX(tx, "insert into seen (id) values ($1) on conflict do nothing")
		_, err := once.Do(ctx, seen, event.MessageId, func() error {
			_, err := tx.Exec(ctx, "insert into letter (email, body) values ($1, 'Welcome, ' || $2)", u.Email, u.Name)
			return err
		})
		return err
	})
}
