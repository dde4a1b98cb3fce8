package locker_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

// What a socket has locked by one request is not remembered once it is unlocked: a busy
// lock's record would be full of it.
func TestAnUnlockForgetsWhatIsNotSentAgain(t *testing.T) {
	s := clienttest.New(t)
	p := gatewaytest.NewTap(s.Conn())
	d := open(t, s.Conn(nats.InProcessServer(p)), gateway.Limits{}, locker.Config{})
	a, b := d.tab("ann"), d.tab("ann")
	for n := range 2 {
		a.until("lock", please, `"locked"`)
		a.until("unlock", please, `"unlock"`)
		asked, forgotten := p.Texts("request"), p.Texts("forget")
		if len(asked) != n+1 || len(forgotten) != n+1 || asked[n] != forgotten[n] {
			t.Errorf("forgotten are %q of %q", forgotten, asked)
		}
	}

	a.ask("lock", please)
	b.ask("lock", please) // which has not made the hold
	a.ask("unlock", please)
	b.ask("unlock", please)
	if asked, forgotten := p.Texts("request"), p.Texts("forget"); len(forgotten) != 3 || forgotten[2] != asked[2] {
		t.Errorf("forgotten are %q of %q", forgotten, asked)
	}
}
