package bus

import (
	"errors"
	"fmt"
	"strings"
)

// The error codes of JetStream that are told apart.
const (
	codeAccountLimit   = 10002
	codeNoPeers        = 10005
	codeNoResources    = 10023 // the disk or the memory is full
	codeMemoryLimit    = 10028
	codeNoMessage      = 10037
	codeStorageLimit   = 10047
	codeTooLarge       = 10054
	codeStreamExists   = 10058
	codeNoStream       = 10059
	codeSequence       = 10063
	codeWrongRevision  = 10071
	codeNoReplicas     = 10074
	codeStoreFailed    = 10077
	codeHeaderTooLarge = 10097
	codeNoLimits       = 10120
	codeWrongInFlight  = 10164 // as 10071, with replicas: another write of the key is on its way

	textTooLarge = "message too large" // what codeStoreFailed can say
	textMaxBytes = "maximum bytes exceeded"
	textNoSpace  = "no space left on device"
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

// outcome is what a refusal of a write means. Most refusals come before the
// write was handed on, and nothing is stored. Others leave it open.
func (e *apiError) outcome(single bool) error {
	kind := ErrUnavailable
	switch e.Code {
	case codeWrongRevision, codeWrongInFlight:
		return ErrConflict
	case codeTooLarge, codeHeaderTooLarge:
		kind = ErrTooLarge
	case codeSequence, codeStoreFailed:
		// A replica that is behind, or is being closed, says so of a write
		// that the others may have agreed on.
		kind = ErrUnknown
		if e.Description == textTooLarge {
			kind = ErrTooLarge
		}
	case codeNoResources, codeAccountLimit, codeMemoryLimit, codeStorageLimit, codeNoLimits:
		// Of a batch, a server without replicas can say so in the middle: it
		// stores the rest when it is started again.
		if !single {
			kind = ErrUnknown
		}
	}
	if e.full() {
		return fmt.Errorf("%w: %w: %w", kind, ErrFull, e)
	}
	return fmt.Errorf("%w: %w", kind, e)
}

// full reports whether the store has no room for a write.
func (e *apiError) full() bool {
	switch e.Code {
	case codeNoResources, codeAccountLimit, codeMemoryLimit, codeStorageLimit:
		return true
	case codeStoreFailed:
		return strings.Contains(e.Description, textMaxBytes) || strings.Contains(e.Description, textNoSpace)
	}
	return false
}

// unreachable marks a request that found no answer as ErrUnavailable.
func unreachable(err error) error {
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// transient tells whether a later try may do better.
func transient(err error) bool {
	var api *apiError
	if !errors.As(err, &api) {
		return errors.Is(err, ErrUnavailable)
	}
	switch api.Code {
	case codeNoPeers:
		return true // a cluster that has not found together yet says so
	case codeNoReplicas, codeMemoryLimit, codeStorageLimit:
		return false
	}
	return api.Status >= 500 || api.Status == 429
}
