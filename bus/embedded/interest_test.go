package embedded_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus/embedded"
)

func TestListeningFollowsSubscriptions(t *testing.T) {
	s := start(t, embedded.Config{Addr: "127.0.0.1:0"})
	const subject = "lockevent.r.granted"
	for name, nc := range callers(t, s) {
		if s.Listening(subject) {
			t.Fatalf("%s: somebody listens before anybody subscribed", name)
		}
		for _, pattern := range []string{subject, "lockevent.>", "lockevent.*.granted"} {
			sub, err := nc.Subscribe(pattern, func(*nats.Msg) {})
			if err != nil {
				t.Fatal(err)
			}
			if err := nc.Flush(); err != nil {
				t.Fatal(err)
			}
			if !s.Listening(subject) {
				t.Errorf("%s: nobody listens though %s is subscribed", name, pattern)
			}
			if err := sub.Unsubscribe(); err != nil {
				t.Fatal(err)
			}
			if err := nc.Flush(); err != nil {
				t.Fatal(err)
			}
			if s.Listening(subject) {
				t.Errorf("%s: somebody listens after %s was unsubscribed", name, pattern)
			}
		}
	}
}

func TestAConnectionListensToSoMuchAndNoMore(t *testing.T) {
	s := start(t, embedded.Config{MaxSubscriptions: 100})
	refused := make(chan error, 1)
	nc, err := s.CallerConn(nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case refused <- err:
		default:
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for range 101 {
		if _, err := nc.SubscribeSync("lockevent.>"); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-refused; !errors.Is(err, nats.ErrMaxSubscriptionsExceeded) {
		t.Error(err)
	}
}
