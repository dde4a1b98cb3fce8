package engine

import (
	"errors"
	"net/http"
	"strconv"
)

// Why a session has ended. [Session.Context] has it as its cause, and
// [Receiver.Closed] is told. It may be wrapped, with more about it.
var (
	ErrClientClosed = errors.New("engine: closed by the client")
	ErrClosed       = errors.New("engine: closed by the server")
	ErrConcurrent   = errors.New("engine: two requests of one kind at once")
	ErrPacket       = errors.New("engine: malformed packet")
	ErrPingTimeout  = errors.New("engine: no answer to a ping")
	ErrShutdown     = errors.New("engine: the server shuts down")
	ErrSlowReader   = errors.New("engine: too much output waits for the client")
	ErrTooLarge     = errors.New("engine: larger than the largest payload")
	ErrTransport    = errors.New("engine: connection lost")
)

// ErrText is what [Session.Send] answers to a text that is not UTF-8 or has the
// byte 0x1e in it, which separates packets. JSON never has it.
var ErrText = errors.New("engine: text that cannot be sent")

// Why a request was refused, as [Config.Refused] is told.
var (
	ErrBadMethod        = &Refusal{Status: http.StatusBadRequest, Code: 2, Message: "Bad handshake method"}
	ErrBadRequest       = &Refusal{Status: http.StatusBadRequest, Code: 3, Message: "Bad request"}
	ErrDraining         = &Refusal{Status: http.StatusServiceUnavailable, Code: 4, Message: "Shutting down"}
	ErrForbidden        = &Refusal{Status: http.StatusForbidden, Code: 4, Message: "Forbidden"}
	ErrTooManySessions  = &Refusal{Status: http.StatusServiceUnavailable, Code: 4, Message: "Too many sessions"}
	ErrUnknownSession   = &Refusal{Status: http.StatusBadRequest, Code: 1, Message: "Session ID unknown"}
	ErrUnknownTransport = &Refusal{Status: http.StatusBadRequest, Code: 0, Message: "Transport unknown"}
	ErrVersion          = &Refusal{Status: http.StatusBadRequest, Code: 5, Message: "Unsupported protocol version"}
	errBodyTooLarge     = &Refusal{Status: http.StatusRequestEntityTooLarge, Code: 3, Message: "Payload too large"}
)

// Refusal is an answer to a request that is not served. Clients are told the
// code and the message as JSON.
type Refusal struct {
	Status  int    `json:"-"`
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Error says what was refused.
func (r *Refusal) Error() string {
	return "engine: refused with " + strconv.Itoa(r.Status) + ": " + r.Message
}
