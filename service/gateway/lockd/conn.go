package lockd

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/natslock/natslock/service/gateway"
)

// wire is how commands come in and replies go out: by lines or by frames. next is
// called by one goroutine and reply by another; close by any.
type wire interface {
	// next returns the next line, which is good until the next call: errTooLong if
	// that is too long to be one, io.EOF when the other side sends no more but may
	// listen yet, and another error when the connection has ended.
	next() ([]byte, error)

	// reply begins the reply to a command. Its Close sends what is left of it.
	reply() io.WriteCloser

	// close ends the connection. If it is to end well, a websocket is told that
	// others may serve it.
	close(well bool)
}

// errTooLong is a line over MaxLine bytes, which was read and thrown away.
var errTooLong = errors.New("line too long")

// errHTTP is why a connection is cut that a browser may have made.
var errHTTP = errors.New("this is HTTP")

// linger is how long commands are worked off whose sender has said that it sends
// no more.
const linger = 5 * time.Second

// conn is one connection. One goroutine reads from it, and another one answers, one
// command after the other, as long as there are any: most connections are silent most of
// the time.
type conn struct {
	server  *Server
	wire    wire
	address string
	limit   *gateway.Connection
	ctx     context.Context // ends when nobody listens any more
	cancel  context.CancelFunc
	holder  holder // whoever answers may use it

	mu      sync.Mutex
	changed sync.Cond  // any of what follows
	queue   []command  // that are read, the one that is being answered apart
	space   [1]command // for the queue, as long as nobody sends several at once
	working bool       // there is one who answers
	closing bool       // no more commands are taken
}

func newConn(s *Server, w wire, address string, limit *gateway.Connection) *conn {
	c := &conn{server: s, wire: w, address: address, limit: limit}
	c.changed.L = &c.mu
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.holder = holder{c: c}
	return c
}

// serve reads commands until the connection ends, and returns when nothing is left of
// it but what its session holds, which is being released.
func (c *conn) serve() {
	err := c.read()
	if errors.Is(err, io.EOF) {
		stop := time.AfterFunc(linger, c.cut)
		defer stop.Stop()
	} else {
		c.cut()
	}
	c.await()
	c.wire.close(true)
	c.cancel()
	c.holder.leave()
}

// read takes in commands.
func (c *conn) read() error {
	for {
		line, err := c.wire.next()
		if err != nil && !errors.Is(err, errTooLong) {
			return err
		}
		cmd := tooLong
		if err == nil {
			cmd = parse(line)
		}
		switch {
		case cmd.fault == lineTooLong:
			c.server.door.Refuse(gateway.LimitSize)
		case cmd == (command{}) && isHTTP(line):
			return errHTTP
		}
		if !c.take(cmd) {
			return io.EOF
		}
	}
}

// take has a command answered after those before it, once there is room for it,
// and tells whether there may be more.
func (c *conn) take(cmd command) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) >= c.server.door.Limits().Requests && !c.closing {
		c.changed.Wait()
	}
	if c.closing {
		return false
	}
	c.queue = append(c.queue, cmd)
	if !c.working {
		c.working = true
		go c.work()
	}
	return true
}

// work answers commands until there are none. When there are no more to come, it ends
// the connection.
func (c *conn) work() {
	for {
		cmd, next := c.pop()
		switch next {
		case rest:
			return
		case end:
			c.wire.close(true)
			c.rest()
			return
		}
		if err := c.answer(cmd); err != nil {
			c.server.config.Logger.Debug("lockd: connection cut", "address", c.address, "err", err)
			c.cut()
		}
	}
}

// What is next for whoever answers.
const (
	more = iota // a command
	rest        // nothing, until one comes
	end         // nothing any more
)

// pop returns the next command, and if there is none, takes note that nobody answers.
func (c *conn) pop() (cmd command, next int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.queue) == 0 && c.closing:
		return command{}, end
	case len(c.queue) == 0:
		c.working = false
		return command{}, rest
	}
	cmd = c.queue[0]
	if c.queue = c.queue[1:]; len(c.queue) == 0 {
		c.queue = c.space[:0]
	}
	c.changed.Broadcast()
	return cmd, more
}

// rest takes note that nobody answers any more.
func (c *conn) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working = false
	c.changed.Broadcast()
}

// answer answers one command.
func (c *conn) answer(cmd command) error {
	defer c.limit.Request()()
	w := c.wire.reply()
	if err := c.do(c.ctx, cmd, w); err != nil {
		return err
	}
	return w.Close()
}

// await returns when all is answered, and takes no more.
func (c *conn) await() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	c.changed.Broadcast()
	for c.working {
		c.changed.Wait()
	}
}

// cut ends the connection at once, whatever it is doing.
func (c *conn) cut() {
	c.mu.Lock()
	c.closing, c.queue = true, nil
	c.mu.Unlock()
	c.changed.Broadcast()
	c.cancel()
	c.wire.close(false)
}

// drain ends the connection when all is answered that was read from it.
func (c *conn) drain() {
	c.mu.Lock()
	c.closing = true
	silent := !c.working
	c.mu.Unlock()
	c.changed.Broadcast()
	if silent {
		c.wire.close(true)
	}
}
