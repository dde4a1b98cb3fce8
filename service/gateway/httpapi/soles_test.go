package httpapi_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

// What was asked for once is not remembered by the lock after its release, unless the
// caller knows the request, and may call again.
func TestAReleaseForgetsWhatIsNotSentAgain(t *testing.T) {
	s := clienttest.New(t)
	p := gatewaytest.NewTap(s.Conn())
	d := &door{t: t}
	d.serve(s.Conn(nats.InProcessServer(p)), gateway.Limits{}, httpapi.Config{})
	d.gateway.Ready()
	const lock = "/v1/realms/default/locks/x"
	pair := func(body string) {
		t.Helper()
		token := d.call("POST", lock, body).want(t, 200, "granted").token(t)
		d.call("DELETE", lock+"?token="+token, "").want(t, 200, "released")
	}
	pair(`{"client":"c","request":"known"}`)
	pair(`{}`)
	asked, forgotten := p.Texts("request"), p.Texts("forget")
	if len(asked) != 2 || len(forgotten) != 1 || asked[0] != "known" || forgotten[0] != asked[1] {
		t.Errorf("forgotten are %q of %q", forgotten, asked)
	}
}
