package lockd

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
)

// What a websocket reads and writes through. Most of them are silent most of the time,
// and commands and their replies are short; what is longer goes past these.
const (
	readAhead   = 256
	writeBehind = 256
)

// lean has a connection that is taken over from the HTTP server leave the server's
// buffers behind, which are meant for requests.
type lean struct{ http.ResponseWriter }

// Hijack takes the connection over.
func (w lean) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, server, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if err := server.Flush(); err != nil {
		_ = c.Close() // it is broken
		return nil, nil, fmt.Errorf("end of the handshake: %w", err)
	}
	early, err := server.Reader.Peek(server.Reader.Buffered())
	if err != nil {
		_ = c.Close()
		return nil, nil, err
	}
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(early), c), max(readAhead, len(early)))
	if _, err := in.Peek(len(early)); err != nil { // as if it had just been read
		_ = c.Close()
		return nil, nil, err
	}
	return c, bufio.NewReadWriter(in, bufio.NewWriterSize(c, writeBehind)), nil
}
