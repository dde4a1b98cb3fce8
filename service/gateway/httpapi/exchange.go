package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
)

// exchange is one request and its answer.
type exchange struct {
	server     *Server
	w          http.ResponseWriter
	r          *http.Request
	connection *conn
	params
	code int // of the answer
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	x := &exchange{server: s, w: w, r: r, connection: r.Context().Value(connKey{}).(*conn)}
	x.connection.serving.Add(1)
	defer x.connection.serving.Add(-1)
	if r.Body != http.NoBody {
		// The answer to a call that reads no body is not sent before the body has
		// come, or this moment.
		if err := http.NewResponseController(w).SetReadDeadline(start.Add(bodyTimeout)); err != nil {
			s.config.Logger.Debug("http: a connection that can have no deadline", "err", err)
			panic(http.ErrAbortHandler)
		}
	}
	id := x.serve()
	if id == idSocketIO {
		return // its door counts
	}
	s.meter.answered(id, x.code, time.Since(start))
	if x.code == 0 { // whoever has closed one direction only is not to read an empty 200
		panic(http.ErrAbortHandler)
	}
}

// Values of headers that many answers share, and nobody changes.
var (
	noSniff = []string{"nosniff"}
	noStore = []string{"no-store"}
	isJSON  = []string{"application/json"}
	isText  = []string{"text/plain; charset=utf-8"}

	// As the older lock server has them.
	isUTF8JSON = []string{"application/json; charset=utf-8"}
	isHTML     = []string{"text/html; charset=utf-8"}
)

// Where socket.io is served, and the id of its calls.
const (
	pathSocketIO = "/socket.io/"
	idSocketIO   = "socketio"
)

// serve answers the request and returns the id of the call.
func (x *exchange) serve() (id string) {
	s := x.server
	header := x.w.Header()
	header["X-Content-Type-Options"] = noSniff
	header["Cache-Control"] = noStore
	id = "none"
	if x.connection.Beyond() {
		header.Set("Connection", "close")
		x.refuse(schema.StatusLimit, fmt.Sprintf("connections: more than %d", s.door.Limits().Connections))
		return id
	}
	end := x.connection.Request()
	if end == nil {
		x.refuse(schema.StatusLimit, fmt.Sprintf("requests: more than %d at the same time on one connection", s.door.Limits().Requests))
		return id
	}
	defer end()
	defer x.recover()
	if !x.belongs() {
		return id
	}
	if s.config.SocketIO != nil && x.r.URL.Path == pathSocketIO {
		s.config.SocketIO.ServeHTTP(x.w, x.r) // it has its own rules for pages of other web sites
		return idSocketIO
	}
	if !x.admit() {
		return id
	}
	found, p := s.routes.find(x.r.URL.EscapedPath())
	if found == nil {
		x.lost()
		return id
	}
	if x.r.Method == http.MethodOptions {
		x.options(found)
		return id
	}
	c, ok := found.call(x.r.Method)
	if !ok {
		header.Set("Allow", found.allow())
		x.refuseWith(http.StatusMethodNotAllowed, schema.StatusInvalid, "method: not one of "+found.allow())
		return id
	}
	x.params = p
	if err := s.gateway.Open(); err != nil && !c.always {
		x.unavailable(err)
		return c.id
	}
	c.handle(x)
	return c.id
}

// recover answers a request whose handler has a fault.
func (x *exchange) recover() {
	fault := recover()
	if fault == nil {
		return
	}
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(fault)
	}
	x.server.config.Logger.Error("http: a fault", "method", x.r.Method, "path", x.r.URL.Path, "fault", fault)
	if x.code == 0 {
		x.refuse(schema.StatusInternal, "a fault of natslock: its log has the detail")
		return
	}
	panic(http.ErrAbortHandler)
}

// unavailable refuses a call that is not taken, or was let go.
func (x *exchange) unavailable(why error) {
	if errors.Is(why, gateway.ErrDraining) {
		x.w.Header().Set("Connection", "close")
		why = gateway.ErrDraining
	}
	x.refuse(schema.StatusUnavailable, why.Error())
}

// refuse answers with a status of the protocol.
func (x *exchange) refuse(s schema.Status, message string) { x.refuseWith(Code(s), s, message) }

func (x *exchange) refuseWith(code int, s schema.Status, message string) {
	_ = x.write(code, &schema.Reply{Status: s, Message: message}) // nobody is left to be told
}

// write writes a reply, and returns when it is on its way, or an error if it cannot
// be.
func (x *exchange) write(code int, reply *schema.Reply) error {
	return x.send(code, isJSON, append(schema.Append(nil, schema.JSON, reply), '\n'))
}

// retryAfter is what those are told in seconds who are to call again.
const retryAfter = "1"

// send writes a body.
func (x *exchange) send(code int, contentType []string, body []byte) error {
	x.code = code
	header := x.w.Header()
	header["Content-Type"] = contentType
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	if code == http.StatusServiceUnavailable {
		header.Set("Retry-After", retryAfter)
	}
	control := http.NewResponseController(x.w)
	if err := control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	x.w.WriteHeader(code)
	if _, err := x.w.Write(body); err != nil {
		return err
	}
	return control.Flush()
}

// body reads the request's body, and answers the request itself if that fails.
func (x *exchange) body() ([]byte, bool) {
	body, err := x.read()
	if err == nil {
		return body, true
	}
	code, message := x.unread(err)
	x.refuseWith(code, schema.StatusInvalid, message)
	return nil, false
}

// read reads the request's body.
func (x *exchange) read() ([]byte, error) {
	if x.r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, int64(x.server.door.Limits().Size)))
	if err != nil {
		return nil, err
	}
	return body, http.NewResponseController(x.w).SetReadDeadline(time.Time{})
}

// unread says why a body could not be read.
func (x *exchange) unread(err error) (code int, message string) {
	var large *http.MaxBytesError
	var timeout net.Error
	x.w.Header().Set("Connection", "close")
	switch {
	case errors.As(err, &large):
		x.server.door.Refuse(gateway.LimitSize)
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("body: more than %d bytes", large.Limit)
	case errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusBadRequest, fmt.Sprintf("body: it was not there within %s", bodyTimeout)
	}
	return http.StatusBadRequest, "body: it ended early"
}

// failed answers a call that has no reply.
func (x *exchange) failed(err error) {
	if x.r.Context().Err() != nil {
		return // its caller has hung up
	}
	if errors.Is(err, gateway.ErrDraining) || errors.Is(err, client.ErrClosed) {
		x.unavailable(gateway.ErrDraining)
		return
	}
	x.refuse(replyOf(err))
}

// replyOf is the status and the message of a call that has no reply.
func replyOf(err error) (schema.Status, string) {
	var refused *client.Error
	if !errors.As(err, &refused) {
		return schema.StatusInternal, err.Error()
	}
	switch {
	case refused.Message != "":
		return refused.Status, refused.Message
	case refused.Status == schema.StatusUnavailable, refused.Status == schema.StatusTimeout:
		return schema.StatusUnavailable, "no worker or no store has answered; what became of the call is unknown: " + refused.Error()
	}
	return refused.Status, refused.Error()
}
