package bus

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// ErrDenied says that the server does not allow to publish a request, or to
// listen to its answer.
var ErrDenied = errors.New("not allowed")

// deniedAfter is when to look whether the server refused a request.
const deniedAfter = 100 * time.Millisecond

// watchDenied returns a function that tells whether, since now, the server has
// refused to publish to the subject, or to subscribe to the inbox. The server
// says so only as the last error of the connection, so one that another error
// follows at once is not seen, and a denied request ends with its context.
func watchDenied(nc *nats.Conn, subject, inbox string) func() error {
	before := nc.LastError()
	return func() error {
		err := nc.LastError()
		if err == before || !errors.Is(err, nats.ErrPermissionViolation) {
			return nil
		}
		text := err.Error()
		if strings.Contains(text, `"`+subject+`"`) || inbox != "" && strings.Contains(text, `"`+inbox) {
			return fmt.Errorf("%w: %w", ErrDenied, err)
		}
		return nil
	}
}
