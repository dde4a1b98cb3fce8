package ldlm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// answer is what a request is answered.
type answer struct {
	code        int
	header      map[string]string
	cookie      *http.Cookie
	body        []byte
	undelivered func() // undoes what was done; nil is nothing
}

// with is the answer with another header.
func (a answer) with(name, value string) answer {
	if a.header == nil {
		a.header = map[string]string{}
	}
	a.header[name] = value
	return a
}

// textual is an answer in JSON.
func textual(code int, body string) answer {
	return answer{code: code, body: []byte(body)}.with("Content-Type", "application/json")
}

// failure is the answer that says a status.
func failure(err error) answer {
	s := status.Convert(err)
	body, _ := json.Marshal(struct { // of what marshals
		Code    int    `json:"code"`
		Message string `json:"message"`
		Details []int  `json:"details"`
	}{int(s.Code()), s.Message(), []int{}})
	a := textual(httpCode(s.Code()), string(body))
	if a.code == http.StatusServiceUnavailable {
		a = a.with("Retry-After", "1")
	}
	return a
}

// httpCode is the HTTP status that stands for a status of gRPC.
func httpCode(c codes.Code) int {
	switch c {
	case codes.InvalidArgument:
		return http.StatusBadRequest
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.NotFound:
		return http.StatusNotFound
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unimplemented:
		return http.StatusNotImplemented
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}

// Why a call of REST is not looked at.
var (
	errPath     = status.Error(codes.NotFound, "Not Found")
	errMethod   = status.Error(codes.Unimplemented, "Method Not Allowed")
	errSessions = status.Error(codes.ResourceExhausted, "too many sessions")
	errShare    = status.Error(codes.ResourceExhausted, "too many sessions of this address")
	errInTurn   = status.Error(codes.ResourceExhausted, "too many requests of this session at the same time")
)

const (
	noCookie  = `{"error": "session cookie not found. create a new session at /session"}`
	oldCookie = `{"error": "session cookie invalid or expired. create a new session at /session"}`
)

// restCalls are the calls of REST by their paths.
var restCalls = map[string]func(context.Context, *restSession, []byte) answer{
	"/v1/lock": restLock,
	"/v1/unlock": func(ctx context.Context, by *restSession, body []byte) answer {
		return called(body, &pb.UnlockRequest{}, func(m *pb.UnlockRequest) (*pb.UnlockResponse, error) {
			return by.server.Unlock(ctx, m)
		})
	},
	"/v1/renew": func(ctx context.Context, by *restSession, body []byte) answer {
		return called(body, &pb.RenewRequest{}, func(m *pb.RenewRequest) (*pb.LockResponse, error) {
			return by.server.Renew(ctx, m)
		})
	},
}

// restLock is a TryLock.
func restLock(ctx context.Context, by *restSession, body []byte) answer {
	var got *pb.LockResponse
	a := called(body, &pb.TryLockRequest{}, func(m *pb.TryLockRequest) (_ *pb.LockResponse, err error) {
		got, err = by.server.lock(ctx, &by.session, tryAttempt(m))
		return got, err
	})
	if got.GetLocked() {
		a.undelivered = func() { by.takeBack(got) }
	}
	return a
}

// takeBack releases what nobody was told of.
func (s *restSession) takeBack(got *pb.LockResponse) {
	m := &pb.UnlockRequest{Name: got.GetName(), Key: got.GetKey()}
	if _, err := s.server.Unlock(context.Background(), m); err != nil {
		s.server.config.Logger.Debug("ldlm: rest: a lock that nobody was told of stays until its session ends", "err", err)
	}
}

// called has a call answered whose request is in JSON. No body is a request without
// fields.
func called[M proto.Message, R proto.Message](body []byte, m M, call func(M) (R, error)) answer {
	if len(bytes.TrimSpace(body)) > 0 {
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, m); err != nil {
			return failure(status.Error(codes.InvalidArgument, err.Error()))
		}
	}
	response, err := call(m)
	if err != nil {
		return failure(err)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(response)
	if err != nil {
		return failure(status.Error(codes.Internal, err.Error()))
	}
	return textual(http.StatusOK, string(text))
}

// call answers a request of a session.
func (r *REST) call(w http.ResponseWriter, request *http.Request) answer {
	cookie, err := request.Cookie(sessionCookie)
	if err != nil {
		return textual(http.StatusUnauthorized, noCookie)
	}
	s := r.sessions.begin(cookie.Value)
	if s == nil {
		return textual(http.StatusUnauthorized, oldCookie)
	}
	defer r.sessions.finish(s)
	end := s.limit.Request()
	if end == nil {
		return failure(errInTurn)
	}
	defer end()
	a := r.inTurn(w, request, s)
	if a.code != http.StatusUnauthorized {
		a.cookie = r.show(s)
	}
	return a
}

// inTurn answers a request when those of its session before it are answered.
func (r *REST) inTurn(w http.ResponseWriter, request *http.Request, s *restSession) answer {
	call := restCalls[request.URL.Path]
	switch {
	case call == nil:
		return failure(errPath)
	case request.Method != http.MethodPost:
		return failure(errMethod)
	}
	body, err := r.read(w, request)
	if err != nil {
		return unread(err)
	}
	ctx, stop := r.server.gateway.Waiting(request.Context(), false)
	defer stop()
	if !s.take(ctx) {
		return failure(failed(request.Context(), context.Cause(ctx)))
	}
	defer s.give()
	if r.sessions.at(s.cookie) != s {
		return textual(http.StatusUnauthorized, oldCookie) // it has ended meanwhile
	}
	return call(request.Context(), s, body)
}

// read reads the body of a request.
func (r *REST) read(w http.ResponseWriter, request *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, int64(r.door.Limits().Size)))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		r.door.Refuse(gateway.LimitSize)
	}
	if err == nil {
		err = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	return body, err
}

// unread says why a body could not be read.
func unread(err error) answer {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		a := failure(status.Error(codes.ResourceExhausted, fmt.Sprintf("body: more than %d bytes", large.Limit)))
		a.code = http.StatusRequestEntityTooLarge
		return a.with("Connection", "close")
	}
	return failure(status.Error(codes.InvalidArgument, "body: it ended early, or too late")).with("Connection", "close")
}
