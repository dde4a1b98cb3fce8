// Command go writes a report that only one process may write at a time.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
)

func main() {
	if err := run(context.Background()); err != nil {
		slog.Error("no report", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL),
		nats.MaxReconnects(-1), nats.ReconnectBufSize(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	locks, err := client.New(nc, &client.Options{ID: "reporter"})
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(ctx, time.Minute) // for its turn and the work
	defer cancel()
	err = locks.Do(ctx, "report", func(ctx context.Context, lock *client.Lock) error {
		// ctx ends when the lock may be somebody else's.
		fmt.Printf("writing the report, fenced by token %d\n", lock.Token())
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return locks.Close()
}
