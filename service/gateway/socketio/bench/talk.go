package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// event is what is sent, and echo what comes back.
const (
	event = `42["message",{"resource":{"entity":"orders","entityID":"42"},"details":{"userName":"Ann"}}]`
	echo  = `42["message-back",{"resource":{"entity":"orders","entityID":"42"},"details":{"userName":"Ann"}}]`
)

// talk sends an event on each connection when the one before has come back. It
// returns how long each took, in order.
func talk(ctx context.Context, conns []*websocket.Conn, rest time.Duration) ([]time.Duration, error) {
	var done atomic.Bool
	defer time.AfterFunc(rest, func() { done.Store(true) }).Stop()
	took := make([][]time.Duration, len(conns))
	failed := make([]error, len(conns))
	var all sync.WaitGroup
	for i, conn := range conns {
		all.Go(func() {
			for again := true; again; again = failed[i] == nil && !done.Load() {
				begun := time.Now()
				failed[i] = exchange(ctx, conn)
				took[i] = append(took[i], time.Since(begun))
			}
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	sorted := slices.Concat(took...)
	if len(sorted) == 0 {
		return nil, errors.New("nothing came back")
	}
	slices.Sort(sorted)
	return sorted, nil
}

// exchange sends an event and waits for it to come back.
func exchange(ctx context.Context, conn *websocket.Conn) error {
	if err := conn.Write(ctx, websocket.MessageText, []byte(event)); err != nil {
		return err
	}
	for {
		_, data, err := conn.Read(ctx)
		switch {
		case err != nil:
			return err
		case string(data) == echo:
			return nil
		case string(data) != "2":
			return fmt.Errorf("not the echo: %q", data)
		}
		if err := conn.Write(ctx, websocket.MessageText, []byte("3")); err != nil {
			return err
		}
	}
}
