package httpapi_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

// onLine is a door that is joined to the service by what can lose answers.
func onLine(t *testing.T) (*door, *gatewaytest.Line) {
	t.Helper()
	s := clienttest.New(t)
	line := gatewaytest.NewLine(s.Conn())
	d := &door{t: t, locks: s.Client(nil)}
	d.serve(s.Conn(nats.InProcessServer(line)), gateway.Limits{}, httpapi.Config{})
	d.gateway.Ready()
	return d, line
}

// What was released when the answer was lost is not told to be nobody's when the door
// asks again.
func TestAReleaseWhoseAnswerIsLostIsDone(t *testing.T) {
	d, line := onLine(t)
	lost := func(method, path, body string) answer {
		t.Helper()
		line.LoseAnswer("lock.default.release")
		got := d.later(t.Context(), method, path, body)
		d.until("a", free)
		line.Break()
		return <-got
	}
	held := d.call("POST", lockPath+"a", `{"client":"c","owner":"o"}`).want(t, 200, "granted").token(t)
	lost("DELETE", lockPath+"a?token="+held, "").want(t, 200, "released")
	d.call("DELETE", lockPath+"a?token="+held, "").want(t, 410, "not_held")
	d.call("POST", lockPath+"a", `{"client":"c","owner":"o"}`).want(t, 200, "granted")
	lost("DELETE", lockPath+"a?client=c&owner=o", "").want(t, 200, "released")

	tokens := d.post("/lock", asJSON, `{"uid":"u","keys":["a","b"],"exp":60000}`).tokens(t)
	if a := lost("POST", "/unlock", `{"uid":"u","tokens":`+tokens+`}`); a.text != `{"unlocked":["a","b"]}` {
		t.Errorf("%+v", a)
	}
	if a := d.post("/unlock", asJSON, `{"uid":"u","tokens":`+tokens+`}`); a.text != `{"unlocked":[]}` {
		t.Errorf("%+v", a)
	}
}
