package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// restricted starts a NATS server, with nobody who answers, and connects to it
// with permissions.
func restricted(t *testing.T, p *server.Permissions) *nats.Conn {
	t.Helper()
	s := must[*server.Server](t)(server.NewServer(&server.Options{
		DontListen: true, NoSigs: true,
		Users: []*server.User{{Username: "u", Password: "p", Permissions: p}},
	}))
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	nc := must[*nats.Conn](t)(nats.Connect("", nats.InProcessServer(s), nats.UserInfo("u", "p"), quiet))
	t.Cleanup(nc.Close)
	return nc
}

func TestDeniedRequestIsDenied(t *testing.T) {
	nc := restricted(t, &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"lock.shop.*.me"}}})
	for _, o := range []client.Options{{}, {Realm: "shop"}, {Realm: "shop", ID: "you"}, {Realm: "other", ID: "me"}} {
		c := must[*client.Client](t)(client.New(nc, &o))
		_, err := c.TryAcquire(t.Context(), "a")
		wantErr(t, err, client.ErrDenied)
		_, err = c.Acquire(t.Context(), "a")
		wantErr(t, err, client.ErrDenied)
		_, err = c.Inspect(t.Context(), "a")
		wantErr(t, err, client.ErrDenied)
		ok(t, c.Close())
	}
	c := must[*client.Client](t)(client.New(nc, &client.Options{Realm: "shop", ID: "me"}))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := c.Inspect(ctx, "a")
	wantErr(t, err, client.ErrUnavailable) // allowed, but there is nobody
	_, err = c.Call(t.Context(), schema.VerbInspect, &schema.Inspect{Name: "a", Client: "you"})
	wantErr(t, err, client.ErrDenied) // on the plain subject, as it speaks for another
	ok(t, c.Close())
}

func TestDeniedWatchIsDenied(t *testing.T) {
	nc := restricted(t, &server.Permissions{Subscribe: &server.SubjectPermission{Deny: []string{"lockevent.>"}}})
	c := must[*client.Client](t)(client.New(nc, nil))
	_, err := c.Watch(t.Context(), nil)
	wantErr(t, err, client.ErrDenied)
	_, err = c.Watch(t.Context(), &client.WatchOptions{Types: []schema.EventType{schema.EventForced}})
	wantErr(t, err, client.ErrDenied)
	ok(t, c.Close())
}
