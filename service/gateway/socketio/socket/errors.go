package socket

import (
	"errors"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// Why a connection has ended, beside the reasons of package engine, or why a call
// was refused.
var (
	ErrAcked          = errors.New("socket: acknowledged already")
	ErrAttachments    = errors.New("socket: too many attachments")
	ErrBusy           = errors.New("socket: too much is running")
	ErrConnectTimeout = errors.New("socket: connected to no namespace")
	ErrKicked         = errors.New("socket: disconnected by the server")
	ErrNamespace      = errors.New("socket: encoded for another namespace")
	ErrNoAck          = errors.New("socket: no acknowledgement is asked for")
	ErrNotConnected   = errors.New("socket: not connected to the namespace")
	ErrPacket         = errors.New("socket: malformed packet")
	ErrReserved       = errors.New("socket: the event is reserved")
)

// Reason is why a socket has disconnected, in the words of socket.io.
type Reason string

// The reasons.
const (
	ReasonClient         Reason = "client namespace disconnect"
	ReasonServer         Reason = "server namespace disconnect"
	ReasonTransportClose Reason = "transport close"
	ReasonTransportError Reason = "transport error"
	ReasonPingTimeout    Reason = "ping timeout"
	ReasonParseError     Reason = "parse error"
	ReasonShutdown       Reason = "server shutting down"
	ReasonForced         Reason = "forced server close"
)

// reasonOf says why a socket has disconnected whose connection has ended.
func reasonOf(err error) Reason {
	for _, known := range []struct {
		err    error
		reason Reason
	}{
		{engine.ErrClientClosed, ReasonTransportClose},
		{engine.ErrTransport, ReasonTransportClose},
		{engine.ErrPingTimeout, ReasonPingTimeout},
		{engine.ErrPacket, ReasonParseError},
		{ErrPacket, ReasonParseError},
		{ErrAttachments, ReasonParseError},
		{ErrNotConnected, ReasonParseError},
		{engine.ErrShutdown, ReasonShutdown},
		{engine.ErrSlowReader, ReasonTransportError},
		{engine.ErrTooLarge, ReasonTransportError},
		{engine.ErrConcurrent, ReasonTransportError},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	return ReasonForced
}

// Disconnected is the cause of the context of a socket that has disconnected.
type Disconnected struct {
	Reason Reason
	Err    error // of the connection, if that has ended
}

// Error says why.
func (d *Disconnected) Error() string { return "socket: disconnected: " + string(d.Reason) }

// Unwrap returns the error of the connection.
func (d *Disconnected) Unwrap() error { return d.Err }

// Refusal is why a client may not connect. It is told the message, and the data if
// there are any.
type Refusal struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// Error says why.
func (r *Refusal) Error() string { return "socket: refused: " + r.Message }

var (
	refusedNamespace  = &Refusal{Message: "Invalid namespace"}
	refusedNamespaces = &Refusal{Message: "Too many namespaces"}
	refusedTooLarge   = &Refusal{Message: "Too large"}
	refusedInternally = &Refusal{Message: "Refused"}
)
