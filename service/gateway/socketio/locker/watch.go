package locker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/natslock/natslock/service/gateway/fan"
	"github.com/natslock/natslock/service/gateway/socketio/socket"
)

// telling is an event that sockets are told, encoded once for all of them.
type telling = socket.Encoded

// watch has the socket told what happens to the locks of its realm from now on.
func (c *caller) watch(ctx context.Context, args []json.RawMessage) said {
	done := answer{Result: resultOK, Status: statusWatch, Data: object{{fieldRealm, encode(c.realm)}}.text()}
	if !c.watching.CompareAndSwap(false, true) {
		return done
	}
	if err := c.begin(ctx); err != nil {
		c.watching.Store(false)
		return failed(argument(args), err)
	}
	return done
}

// begin joins those who are told, and has the socket told in the background.
func (c *caller) begin(ctx context.Context) error {
	end := c.connection.Wait()
	if end == nil {
		return fmt.Errorf("waiters: more than %d on one connection", c.server.door.Limits().Waiters)
	}
	reader, err := c.server.watches.Join(ctx, c.realm)
	if err == nil {
		err = c.socket.Go(func(ctx context.Context) {
			defer c.watching.Store(false)
			defer end()
			c.listen(ctx, reader)
		})
		if err != nil {
			reader.Close()
		}
	}
	if err != nil {
		end()
	}
	return err
}

// listen tells the socket what is told, until it ends or no more can be told. One that
// is too far behind is told that it has missed some.
func (c *caller) listen(ctx context.Context, reader *fan.Reader[telling]) {
	for {
		err := reader.Each(c.socket.EmitEncoded)
		reader.Close()
		if errors.Is(err, fan.ErrBehind) {
			reader, err = c.rejoin(ctx)
		}
		if err == nil {
			continue
		}
		if ctx.Err() == nil {
			_ = c.socket.Emit("watch", failed(null, fmt.Errorf("no more is told: %w", err)).text())
		}
		return
	}
}

// rejoin joins anew, and tells the socket that it has missed some.
func (c *caller) rejoin(ctx context.Context) (*fan.Reader[telling], error) {
	reader, err := c.server.watches.Join(ctx, c.realm)
	if err != nil {
		return nil, err
	}
	e, err := lagged()
	if err == nil {
		err = c.socket.EmitEncoded(e)
	}
	if err != nil {
		reader.Close()
	}
	return reader, err
}
