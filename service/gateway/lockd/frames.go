package lockd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// frames is a wire over a websocket: a text frame is a line.
type frames struct {
	conn *websocket.Conn
	raw  io.Closer // what is under it
	line *line     // the last one, while it is good
	out  frameReply
}

// line has room for one more byte than a line with its end. Few are needed: most
// connections are silent most of the time.
type line [MaxLine + 3]byte

var linePool = sync.Pool{New: func() any { return new(line) }}

func newFrames(c *websocket.Conn, raw io.Closer, patience time.Duration) *frames {
	c.SetReadLimit(-1) // what is too long is read, and refused
	return &frames{conn: c, raw: raw, out: frameReply{conn: c, patience: patience}}
}

var errNotText = errors.New("not a text frame")

func (f *frames) next() ([]byte, error) {
	if f.line != nil {
		linePool.Put(f.line)
		f.line = nil
	}
	kind, r, err := f.conn.Reader(context.Background())
	if err != nil {
		return nil, gone(err)
	}
	if kind != websocket.MessageText {
		_ = f.conn.Close(websocket.StatusUnsupportedData, "commands are text")
		return nil, errNotText
	}
	f.line = linePool.Get().(*line)
	switch n, err := io.ReadFull(r, f.line[:]); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return f.line[:n], nil
	case err != nil:
		return nil, gone(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, gone(err)
	}
	return nil, errTooLong
}

// gone is the error of a connection that has ended, which is never io.EOF: nobody
// listens on it.
func gone(err error) error { return fmt.Errorf("websocket: %s", err.Error()) }

func (f *frames) reply() io.WriteCloser {
	f.out.buffer.Reset()
	return &f.out
}

// farewell is how long the other side may take to answer that the connection ends.
const farewell = time.Second

func (f *frames) close(well bool) {
	if well {
		stop := time.AfterFunc(farewell, func() { _ = f.raw.Close() })
		defer stop.Stop()
		_ = f.conn.Close(websocket.StatusGoingAway, "") // it may be closed, or broken
		return
	}
	_ = f.conn.CloseNow()
}

// maxFrame is how long a frame may be. A longer reply is a message of several frames.
const maxFrame = 64 << 10

// keepBuffer is how large a buffer may be that is kept for the next reply.
const keepBuffer = 1 << 10

// frameReply is one reply after the other, each one message.
type frameReply struct {
	conn     *websocket.Conn
	patience time.Duration
	buffer   bytes.Buffer
	message  io.WriteCloser // the rest of the reply, once a frame of it was sent
	cancel   context.CancelFunc
}

func (r *frameReply) Write(p []byte) (int, error) {
	if r.buffer.Len()+len(p) > maxFrame {
		if err := r.flush(); err != nil {
			return 0, err
		}
	}
	return r.buffer.Write(p)
}

// flush sends what is gathered as a frame of more to come.
func (r *frameReply) flush() error {
	if r.message == nil {
		ctx, cancel := context.WithCancel(context.Background())
		m, err := r.conn.Writer(ctx, websocket.MessageText)
		if err != nil {
			cancel()
			return err
		}
		r.message, r.cancel = m, cancel
	}
	stop := time.AfterFunc(r.patience, r.cancel) // which closes the connection
	defer stop.Stop()
	_, err := r.message.Write(r.buffer.Bytes())
	r.buffer.Reset()
	return err
}

// Close sends the rest of the reply: an empty frame, if there is none.
func (r *frameReply) Close() error {
	if r.buffer.Cap() > keepBuffer {
		defer func() { r.buffer = bytes.Buffer{} }()
	}
	if r.message == nil {
		ctx, cancel := context.WithTimeout(context.Background(), r.patience)
		defer cancel()
		return r.conn.Write(ctx, websocket.MessageText, r.buffer.Bytes())
	}
	defer r.cancel()
	stop := time.AfterFunc(r.patience, r.cancel)
	defer stop.Stop()
	_, err := r.message.Write(r.buffer.Bytes())
	if err == nil {
		err = r.message.Close()
	}
	r.message = nil
	return err
}
