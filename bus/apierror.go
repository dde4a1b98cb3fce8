package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// The error codes of JetStream that are told apart.
const (
	codeNoResources     = 10023 // insufficient resources: the disk or the memory is full
	codeNoMessage       = 10037
	codeTooLarge        = 10054
	codeStreamExists    = 10058
	codeNoStream        = 10059
	codeSequence        = 10063 // a replica is behind: others may have stored it
	codeWrongRevision   = 10071
	codeStoreFailed     = 10077
	codeHeaderTooLarge  = 10097
	codeRevisionUnready = 10163
	codeWrongInFlight   = 10164 // as 10071, with replicas: another write of the key is on its way
)

// apiError is an error of the JetStream API.
type apiError struct {
	Status      int    `json:"code"`
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("%s (JetStream error %d)", e.Description, e.Code)
}

// outcome is what a refusal of a write means. single says that it was one
// write: of a batch, a server without replicas can refuse the rest when it has
// stored the beginning, and stores the rest when it starts the next time.
func (e *apiError) outcome(single bool) error {
	switch e.Code {
	case codeWrongRevision, codeWrongInFlight:
		return ErrConflict
	case codeTooLarge, codeHeaderTooLarge:
		return fmt.Errorf("%w: %w", ErrTooLarge, e)
	case codeSequence:
		return fmt.Errorf("%w: %w", ErrUnknown, e)
	case codeStoreFailed:
		if e.Description == "message size exceeds maximum allowed" || e.Description == "message too large" {
			return fmt.Errorf("%w: %w", ErrTooLarge, e)
		}
		// A replica that is being closed says so of a write that the
		// others have agreed on.
		return fmt.Errorf("%w: %w", ErrUnknown, e)
	}
	if !single && (e.Status >= 500 || e.Code == 10002) {
		return fmt.Errorf("%w: %w", ErrUnknown, e)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, e)
}

// unreachable marks a request that found no answer as ErrUnavailable.
func unreachable(err error) error {
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// transient tells whether a later try may do better.
func transient(err error) bool {
	var api *apiError
	if errors.As(err, &api) {
		return api.Status >= 500 || api.Status == 429
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) ||
		errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrDisconnected)
}
