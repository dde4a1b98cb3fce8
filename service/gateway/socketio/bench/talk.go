package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// conversation is what a connection says, over and over, and is answered.
type conversation struct {
	name      string // of what is answered
	greetings int    // packets that come before: the open packet, the connect, and others
	lines     func(connection int) []line
}

// line is an event, and how its answer begins.
type line struct{ say, answer string }

const order = `{"resource":{"entity":"orders","entityID":"%d"},"details":{"userName":"Ann"}}`

// echoes come back as they are.
var echoes = conversation{name: "echoes", greetings: 3, lines: func(int) []line {
	said := fmt.Sprintf(order, 42)
	return []line{{`42["message",` + said + `]`, `42["message-back",` + said + `]`}}
}}

// pairs lock and unlock.
var pairs = conversation{name: "locks and unlocks", greetings: 2, lines: func(connection int) []line {
	said := fmt.Sprintf(order, connection)
	return []line{
		{`42["lock",` + said + `]`, `42["lock",{"result":"ok","status":"locked",`},
		{`42["unlock",` + said + `]`, `42["unlock",{"result":"ok","status":"unlock",`},
	}
}}

// talk sends an event on each connection when the one before was answered. It
// returns how long each took, in order.
func talk(ctx context.Context, conns []*websocket.Conn, kind conversation, rest time.Duration) ([]time.Duration, error) {
	var done atomic.Bool
	defer time.AfterFunc(rest, func() { done.Store(true) }).Stop()
	took := make([][]time.Duration, len(conns))
	failed := make([]error, len(conns))
	var all sync.WaitGroup
	for i, conn := range conns {
		all.Go(func() {
			lines := kind.lines(i)
			for n := 0; n == 0 || failed[i] == nil && !done.Load(); n++ {
				begun := time.Now()
				failed[i] = lines[n%len(lines)].exchange(ctx, conn)
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
		return nil, errors.New("nothing was answered")
	}
	slices.Sort(sorted)
	return sorted, nil
}

// exchange says a line and waits for its answer.
func (l line) exchange(ctx context.Context, conn *websocket.Conn) error {
	if err := conn.Write(ctx, websocket.MessageText, []byte(l.say)); err != nil {
		return err
	}
	for {
		_, data, err := conn.Read(ctx)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(string(data), l.answer):
			return nil
		case string(data) != "2":
			return fmt.Errorf("not the answer to %s: %q", l.say, data)
		}
		if err := conn.Write(ctx, websocket.MessageText, []byte("3")); err != nil {
			return err
		}
	}
}
