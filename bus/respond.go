package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	headerContentType = "Content-Type"
	headerErrorCode   = "Nats-Service-Error-Code"
	headerError       = "Nats-Service-Error"

	maxErrorHeader = 512 // bytes of Message in its header; the body has it in full
)

// ErrUnsafeInbox says that an answer was not published because its inbox is
// none that SafeInbox allows.
var ErrUnsafeInbox = errors.New("inbox is not safe to answer")

// Response is an answer to a request.
type Response struct {
	ContentType string
	Body        []byte
	Code        string // of a service error; "" if it is none
	Message     string // of a service error
	Undo        string // where to tell that nobody listens to the inbox (see Unheard); "" is nowhere
}

// Respond publishes the answer to the inbox. It does not wait for anybody.
// Errors: ErrUnsafeInbox, ErrTooLarge, ErrUnavailable, and ErrUnknown when the
// connection broke meanwhile.
func Respond(nc *nats.Conn, inbox string, r Response) error {
	if !SafeInbox(inbox) {
		return fmt.Errorf("%w: %.80q", ErrUnsafeInbox, inbox)
	}
	m := nats.Msg{Subject: inbox, Reply: r.Undo, Data: r.Body, Header: r.header()}
	if err := nc.PublishMsg(&m); err != nil {
		return refusal(err)
	}
	return nil
}

// plainHeaders are the headers of most answers, by content type: they are shared, and
// only read.
var plainHeaders = map[string]nats.Header{
	"":                    nil,
	"application/json":    {headerContentType: {"application/json"}},
	"application/msgpack": {headerContentType: {"application/msgpack"}},
}

// header is that of the answer.
func (r *Response) header() nats.Header {
	if plain, ok := plainHeaders[r.ContentType]; ok && r.Code == "" {
		return plain
	}
	h := make(nats.Header, 3)
	if r.ContentType != "" {
		h[headerContentType] = []string{r.ContentType}
	}
	if r.Code != "" {
		h[headerErrorCode] = []string{headerText(r.Code)}
		h[headerError] = []string{headerText(r.Message)}
	}
	return h
}

// EventConn is a connection on which events are published, such as a *nats.Conn.
type EventConn interface {
	Publish(subject string, body []byte) error
	FlushWithContext(ctx context.Context) error
}

// PublishEvent publishes an event to whoever listens. Errors: those
// of Respond but for the inbox.
func PublishEvent(nc EventConn, subject string, body []byte) error {
	if err := nc.Publish(subject, body); err != nil {
		return refusal(err)
	}
	return nil
}

// EventOptions are for a connection of events only. The server may take long until
// it has handed one to all who listen; that is no reason to take the connection for dead.
func EventOptions() []nats.Option {
	return []nats.Option{nats.FlusherTimeout(eventTimeout), nats.PingInterval(eventTimeout)}
}

const eventTimeout = time.Minute

// headerText makes text fit into a header: control characters become spaces,
// and what is too long is cut between characters.
func headerText(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > maxErrorHeader {
		cut := maxErrorHeader
		for cut > 0 && text[cut]&0xC0 == 0x80 {
			cut--
		}
		text = text[:cut]
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// Unheard calls fn for each message that was published with a reply subject
// under prefix (as Response.Undo) and found nobody listening, with that reply
// subject. Calls come one at a time. stop ends it.
//
// Anybody who may publish under the prefix can claim the same: take a prefix
// that begins with Reserved, and a reply subject that nobody guesses.
func Unheard(nc *nats.Conn, prefix string, fn func(subject string)) (stop func() error, err error) {
	sub, err := nc.Subscribe(prefix+".>", func(m *nats.Msg) {
		if isUnheard(m) {
			fn(m.Subject)
		}
	})
	if err != nil {
		return nil, unreachable(err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, unreachable(err)
	}
	return sub.Unsubscribe, nil
}

// isUnheard tells whether m is the server's word that nobody listens.
func isUnheard(m *nats.Msg) bool {
	return len(m.Data) == 0 && len(m.Header) > 0 && m.Header.Get(headerStatus) == statusUnheard
}
