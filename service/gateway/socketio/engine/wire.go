package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// wire is a websocket. One goroutine reads it, and one at a time writes.
type wire struct {
	conn    *websocket.Conn
	raw     net.Conn
	timeout time.Duration // of a write
}

// accept makes a request a websocket. It answers the request when it cannot.
func (c *Config) accept(w http.ResponseWriter, r *http.Request) (*wire, error) {
	h := &hijacked{ResponseWriter: w}
	conn, err := websocket.Accept(h, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the origin was verified before
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTransport, err)
	}
	conn.SetReadLimit(int64(c.MaxPayload))
	return &wire{conn: conn, raw: h.conn, timeout: c.WriteTimeout}, nil
}

// read returns the next packet.
func (w *wire) read() (packet, error) {
	typ, data, err := w.conn.Read(context.Background())
	switch {
	case err == nil && typ == websocket.MessageBinary:
		return packet{kind: kindMessage, data: data, binary: true}, nil
	case err == nil:
		return parseText(data)
	case errors.Is(err, websocket.ErrMessageTooBig):
		return packet{}, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case websocket.CloseStatus(err) >= 0:
		return packet{}, fmt.Errorf("%w: %w", ErrClientClosed, err)
	}
	return packet{}, fmt.Errorf("%w: %w", ErrTransport, err)
}

// write writes packets, each as a frame.
func (w *wire) write(packets ...packet) error {
	if err := w.raw.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	var text []byte
	for _, p := range packets {
		typ, frame := websocket.MessageBinary, p.data
		if !p.binary {
			text = p.appendText(text[:0])
			typ, frame = websocket.MessageText, text
		}
		if err := w.conn.Write(context.Background(), typ, frame); err != nil {
			return fmt.Errorf("%w: %w", ErrTransport, err)
		}
	}
	return nil
}

// close ends the websocket as the protocol has it, so that the client reads what
// was written before. It may take as long as the client takes, or until cut.
func (w *wire) close() {
	_ = w.conn.Close(websocket.StatusGoingAway, "") // what cannot be closed is gone
}

// cut ends the websocket at once. Readers and writers return.
func (w *wire) cut() {
	_ = w.raw.Close() // what cannot be closed is gone
}

// release frees what the websocket holds. Called by its reader, at the end.
func (w *wire) release() {
	w.cut()
	_ = w.conn.CloseNow() // it is closed
}

// hijacked remembers the connection below a websocket.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack hands the connection on.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, rw, err
}
