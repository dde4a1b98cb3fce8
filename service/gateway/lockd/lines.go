package lockd

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// lines is a wire over a stream.
type lines struct {
	conn net.Conn
	in   *bufio.Reader
	out  lineReply
}

// buffers are what replies are gathered in, while there is one.
var buffers = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}

func newLines(c net.Conn, patience time.Duration) *lines {
	l := &lines{conn: c, in: bufio.NewReaderSize(c, MaxLine+len("\r\n"))}
	l.out = lineReply{to: &patient{c, patience}}
	return l
}

// next returns the next line. What is left of one without an end is none.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.in.ReadSlice('\n')
	}
	if err != nil {
		return nil, err
	}
	return nil, errTooLong
}

func (l *lines) reply() io.WriteCloser {
	l.out.buffer = buffers.Get().(*bufio.Writer)
	l.out.buffer.Reset(l.out.to)
	return &l.out
}

func (l *lines) close(bool) { _ = l.conn.Close() } // it may be closed, or broken

// lineReply is one reply after the other, of as many lines as it has.
type lineReply struct {
	to     io.Writer
	buffer *bufio.Writer
}

func (r *lineReply) Write(p []byte) (int, error) { return r.buffer.Write(p) }

func (r *lineReply) WriteString(s string) (int, error) { return r.buffer.WriteString(s) }

// Close sends the rest of the reply.
func (r *lineReply) Close() error {
	err := r.buffer.Flush()
	r.buffer.Reset(nil)
	buffers.Put(r.buffer)
	r.buffer = nil
	return err
}

// patient is a connection whose other side has only so long to take in what is
// written.
type patient struct {
	net.Conn
	patience time.Duration
}

func (p *patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(p.patience)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}
