package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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
	most    int           // that is kept of a frame
	large   func()        // is told of a frame that is not read
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
	conn.SetReadLimit(int64(c.MaxRead))
	return &wire{conn: conn, raw: h.conn, timeout: c.WriteTimeout, most: c.MaxPayload, large: c.Oversized}, nil
}

// read returns the next packet.
func (w *wire) read() (packet, error) {
	typ, data, cut, err := w.frame()
	switch {
	case err == nil && typ == websocket.MessageBinary && cut:
		return cutBytes, nil
	case err == nil && typ == websocket.MessageBinary:
		return packet{kind: kindMessage, data: data, binary: true}, nil
	case err == nil && cut:
		return cutText(data)
	case err == nil:
		return parseText(data)
	case errors.Is(err, websocket.ErrMessageTooBig):
		w.large()
		return packet{}, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case websocket.CloseStatus(err) >= 0:
		return packet{}, fmt.Errorf("%w: %w", ErrClientClosed, err)
	}
	return packet{}, fmt.Errorf("%w: %w", ErrTransport, err)
}

// frame reads a frame, and keeps the beginning.
func (w *wire) frame() (typ websocket.MessageType, data []byte, cut bool, err error) {
	typ, frame, err := w.conn.Reader(context.Background())
	if err != nil {
		return 0, nil, false, err
	}
	data, err = io.ReadAll(io.LimitReader(frame, int64(w.most)))
	if err != nil || len(data) < w.most {
		return typ, data, false, err
	}
	rest, err := io.Copy(io.Discard, frame) // also reads that it has ended
	return typ, data, rest > 0, err
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
