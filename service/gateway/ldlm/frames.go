package ldlm

import (
	"bufio"
	"encoding/binary"
	"net"

	"google.golang.org/grpc/credentials"
)

// Of HTTP/2, as far as it is followed.
const (
	preface         = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" // what a client begins with
	frameHeaderSize = 9
	frameData       = 0
	frameHeaders    = 1
	frameReset      = 3
	flagEndStream   = 1
	resetSize       = 4 // of its payload, a code
	resetNoError    = 0
)

// frame is one that has passed.
type frame struct {
	kind, flags byte
	stream      uint32
	code        uint32 // of a reset
}

// ends tells whether it is the last of an answer.
func (f frame) ends() bool {
	return (f.kind == frameData || f.kind == frameHeaders) && f.flags&flagEndStream != 0
}

// frames follows what one side sends, frame by frame. gRPC takes a call for answered
// when its handler has returned, and tells nobody that the client has reset the stream
// before the answer came, or that it has itself, because the call's deadline has passed:
// so a lock would be held of which the client knows nothing.
type frames struct {
	seen   func(frame) // is told of each
	stream uint32      // of the frame that is passing

	begun  int // bytes of the preface that have passed
	header [frameHeaderSize]byte
	have   int // bytes of the header
	left   int // bytes of the payload
	code   [resetSize]byte
}

// take follows the next bytes.
func (f *frames) take(p []byte) {
	if n := min(len(preface)-f.begun, len(p)); n > 0 {
		f.begun += n
		p = p[n:]
	}
	for len(p) > 0 {
		if f.have < frameHeaderSize {
			n := copy(f.header[f.have:], p)
			p = p[n:]
			if f.have += n; f.have == frameHeaderSize {
				f.left = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
				f.stream = binary.BigEndian.Uint32(f.header[5:]) &^ (1 << 31)
				f.passed(nil)
			}
			continue
		}
		n := min(f.left, len(p))
		f.left -= n
		f.passed(p[:n])
		p = p[n:]
	}
}

// passed takes note of a part of the payload, and of the end of the frame.
func (f *frames) passed(p []byte) {
	if f.header[3] == frameReset {
		copy(f.code[resetSize-min(f.left+len(p), resetSize):], p)
	}
	if f.left > 0 {
		return
	}
	f.have = 0
	f.seen(frame{f.header[3], f.header[4], f.stream, binary.BigEndian.Uint32(f.code[:])})
}

// followedConn is a connection whose frames are followed as they are read, and before
// they are written: so that what comes back for them comes after.
type followedConn struct {
	net.Conn
	in            *bufio.Reader
	read, written *frames
}

// readBuffer is small: there are many connections on which nothing comes.
const readBuffer = 4 << 10

// Read reads. gRPC reads without a buffer of its own, and so no further than the frame
// that it looks at.
func (c *followedConn) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.read.take(p[:n])
	return n, err
}

// Write writes. After an error gRPC writes no more.
func (c *followedConn) Write(p []byte) (int, error) {
	c.written.take(p)
	return c.Conn.Write(p)
}

// followed has the frames of connections followed, below TLS.
type followed struct {
	credentials.TransportCredentials
}

// ServerHandshake shakes hands on a connection of the listener.
func (f followed) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	nc, info, err := f.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	c := raw.(*countedConn).conn
	return &followedConn{nc, bufio.NewReaderSize(nc, readBuffer), &c.frames, &c.written}, info, nil
}

// Clone returns a copy.
func (f followed) Clone() credentials.TransportCredentials {
	return followed{f.TransportCredentials.Clone()}
}
