package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/natslock/natslock/schema"
)

// What the service answers when it does not do what was asked, one for each
// status. errors.Is knows them by the status of an Error, and errors.As(err,
// **Error) has the detail.
var (
	ErrHeld           error = &Error{Status: schema.StatusHeld}           // somebody else has it
	ErrTimeout        error = &Error{Status: schema.StatusTimeout}        // not granted in time
	ErrCanceled       error = &Error{Status: schema.StatusCanceled}       // the attempt was canceled, by its context or by others
	ErrNotHeld        error = &Error{Status: schema.StatusNotHeld}        // no such hold: released, expired, forced or never granted
	ErrSizeMismatch   error = &Error{Status: schema.StatusSizeMismatch}   // the lock is in use with another size or mode
	ErrSessionExpired error = &Error{Status: schema.StatusSessionExpired} // the session is not known, fell silent or lost its connection
	ErrLimit          error = &Error{Status: schema.StatusLimit}          // a bound of the service would be passed
	ErrInvalid        error = &Error{Status: schema.StatusInvalid}        // the request makes no sense
	ErrDenied         error = &Error{Status: schema.StatusDenied}         // not allowed
	ErrUnavailable    error = &Error{Status: schema.StatusUnavailable}    // nobody answered in time: the outcome is unknown
	ErrInternal       error = &Error{Status: schema.StatusInternal}       // a fault of the service
)

// What becomes of a Lock and of a Client. errors.Is finds them in the causes of
// contexts.
var (
	// ErrLost says that a lock may be somebody else's by now: its hold was
	// ended by others, or could not be renewed in time. What wraps it says
	// which, as far as that is known.
	ErrLost = errors.New("lock lost")

	// ErrReleased says that a lock was released by its own holder.
	ErrReleased = errors.New("lock released")

	// ErrClosed says that the Client was closed.
	ErrClosed = errors.New("client closed")

	// ErrHandedOver is the cause that ends the context of a CallIn without the
	// acquire being canceled: its caller will repeat it elsewhere.
	ErrHandedOver = errors.New("handed over to whoever repeats it")

	// ErrLagged says that a Watch was too slow and has missed events.
	ErrLagged = errors.New("events were missed")
)

// lostBy is ErrLost, and why.
func lostBy(why string) error { return fmt.Errorf("%w: %s", ErrLost, why) }

// innermost is what the errors of requests wrap, without their statuses.
func innermost(err error) string {
	var e *Error
	for errors.As(err, &e) && e.Message == "" && e.cause != nil {
		err = e.cause
	}
	return err.Error()
}

// Error is a request that was not done. It matches the sentinel of its status,
// and what led to it: a context's error, say.
type Error struct {
	Status  schema.Status
	Message string   // for people
	Name    string   // of several names, the first busy one
	Holders []Holder // of ErrHeld: who has it

	cause error
}

// Error returns the status, and the message if there is one.
func (e *Error) Error() string {
	text := strings.ReplaceAll(string(e.Status), "_", " ")
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Is reports whether target is an Error with the same status.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Status == e.Status
}

// Unwrap returns what led to the error, or nil.
func (e *Error) Unwrap() error { return e.cause }

// refused is the error of a reply that is not ok.
func refused(r *schema.Reply) *Error {
	return &Error{Status: r.Status, Message: r.Message, Name: r.Name, Holders: r.Holders}
}

// invalid is the error of a request that is refused before it is sent.
func invalid(err error) error {
	var bad *schema.Error
	if errors.As(err, &bad) {
		return &Error{Status: bad.Status, Message: bad.Message}
	}
	return &Error{Status: schema.StatusInvalid, Message: err.Error()}
}
