package ldlm

import (
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// maxTimeout is the longest timeout of a lock, in seconds.
const maxTimeout = schema.MaxTTL / 1000

// untimed marks a hold whose TTL is not the client's wish: there is nothing to renew.
var untimed = schema.Meta(`{"timeout":"none"}`)

// attempt is what a Lock or TryLock asks for.
type attempt struct {
	name    string
	size    int64
	timeout int64 // seconds; 0 is none
	waits   bool
	wait    int64 // seconds; 0 is without end

	leaf *client.Leaf // what it gets ends with that; nil: it is kept
}

func lockAttempt(r *pb.LockRequest) attempt {
	return attempt{
		name: r.GetName(), size: sizeOf(r.Size), timeout: int64(r.GetLockTimeoutSeconds()),
		waits: true, wait: int64(r.GetWaitTimeoutSeconds()),
	}
}

func tryAttempt(r *pb.TryLockRequest) attempt {
	return attempt{name: r.GetName(), size: sizeOf(r.Size), timeout: int64(r.GetLockTimeoutSeconds())}
}

func sizeOf(size *int32) int64 {
	if size == nil {
		return 1
	}
	return int64(*size)
}

// refusal answers an attempt that makes no sense; nil is one that does.
func (a *attempt) refusal(key string) *pb.LockResponse {
	if f := timeoutFault(a.timeout); f != nil {
		return &pb.LockResponse{Name: a.name, Error: f}
	}
	if a.wait < 0 {
		return &pb.LockResponse{Name: a.name, Error: unknown("wait timeout must be greater than 0")}
	}
	f := nameFault(a.name)
	switch {
	case f != nil:
	case a.size <= 0:
		f = fault(pb.ErrorCode_InvalidLockSize, "lock size must be greater than 0")
	case a.size > schema.MaxSize:
		f = fault(pb.ErrorCode_InvalidLockSize, fmt.Sprintf("lock size must not be greater than %d", schema.MaxSize))
	default:
		return nil
	}
	return &pb.LockResponse{Name: a.name, Key: key, Error: f}
}

func nameFault(name string) *pb.Error {
	switch {
	case name == "":
		return unknown("lock name cannot be empty")
	case len(name) > schema.MaxName:
		return unknown(fmt.Sprintf("lock name cannot have more than %d bytes", schema.MaxName))
	}
	return nil
}

// timeoutFault finds what is wrong with a lock's timeout. 0 is right.
func timeoutFault(seconds int64) *pb.Error {
	switch {
	case seconds < 0:
		return unknown("lock timeout must be greater than 0")
	case seconds > maxTimeout:
		return unknown(fmt.Sprintf("lock timeout must not be greater than %d", maxTimeout))
	}
	return nil
}

// acquire is the attempt's request. Without a session what it gets outlives the
// connection.
func (a *attempt) acquire(key, client, session string) *schema.Acquire {
	m := &schema.Acquire{
		Name: a.name, Client: client, Owner: key, Session: session, Request: key,
		Mode: schema.ModeShared, Size: a.size,
	}
	ttl := a.timeout * 1000
	if ttl == 0 && session == "" {
		ttl, m.Meta = schema.MaxTTL, untimed
	}
	m.TTL = &ttl
	return m
}

// waitAfter is how long the next request of an attempt may wait that has waited for
// some time already, in milliseconds. Over is an attempt that has waited for as long as it may.
func (a *attempt) waitAfter(waited time.Duration, session bool) (ms int64, over bool) {
	switch {
	case !a.waits:
		return 0, true
	case a.wait == 0 && session:
		return schema.WaitForever, false
	case a.wait == 0:
		return schema.MaxWait, false
	}
	left := a.wait*1000 - waited.Milliseconds()
	return min(left, schema.MaxWait), left <= 0
}

// decided is the response to an attempt that was decided. An error is the status of
// the call.
func (a *attempt) decided(key string, r *schema.Reply) (*pb.LockResponse, error) {
	response := &pb.LockResponse{Name: a.name, Key: key}
	switch r.Status {
	case schema.StatusGranted, schema.StatusAlready:
		response.Locked = true
	case schema.StatusHeld:
		// not locked, and no error
	case schema.StatusTimeout:
		response.Error = fault(pb.ErrorCode_LockWaitTimeout, "timeout waiting to acquire lock")
	case schema.StatusSizeMismatch:
		response.Error = fault(pb.ErrorCode_LockSizeMismatch, "lock size mismatch")
	default:
		f, err := otherwise(r)
		if err != nil {
			return nil, err
		}
		response.Error = f
	}
	return response, nil
}

// otherwise is what a reply becomes that no request of LDLM has an answer for: an error
// in the response, or the status of a call that was not decided.
func otherwise(r *schema.Reply) (*pb.Error, error) {
	switch r.Status {
	case schema.StatusUnavailable:
		return nil, status.Error(codes.Unavailable, r.Message)
	case schema.StatusSessionExpired, schema.StatusCanceled:
		return nil, errLost
	default:
		return unknown(r.Message), nil
	}
}

// errLost is how a call ends whose connection's locks are gone.
var errLost = status.Error(codes.Unavailable, "the session of this connection has ended, and its locks with it")

func fault(code pb.ErrorCode, message string) *pb.Error {
	return &pb.Error{Code: code, Message: message}
}

func unknown(message string) *pb.Error { return fault(pb.ErrorCode_Unknown, message) }
