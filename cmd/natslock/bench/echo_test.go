package bench

import (
	"math"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestEchoAnswersAsTheServiceDoes(t *testing.T) {
	s := clienttest.New(t)
	nc := s.Conn()
	stop, err := ServeEcho(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop.Stop(); err != nil {
			t.Error(err)
		}
	}()
	acquire := &schema.Acquire{Name: separateName(1, 2), Client: clientName, Owner: ownerName(1), Request: "r"}
	granted := alike(t, nc, schema.VerbAcquire, acquire)
	alike(t, nc, schema.VerbRelease, &schema.Release{Name: acquire.Name, Client: clientName, Token: granted.Token})
}

// alike asks the service and the echo the same, and compares the answers.
func alike(t *testing.T, nc *nats.Conn, v schema.Verb, m schema.Message) (reply schema.Reply) {
	t.Helper()
	body := schema.Append(nil, schema.MessagePack, m)
	ours, err := nc.Request(schema.RequestSubject(Realm, v, ""), body, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	echo, err := nc.Request(echoSubject+string(v), body, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if len(ours.Data) != len(echo.Data) || math.Abs(float64(len(ours.Reply)-len(echo.Reply))) > 8 || ours.Header.Get("Content-Type") != echo.Header.Get("Content-Type") {
		t.Errorf("%s: %d bytes, undo %q, %v; the echo %d, %q, %v", v, len(ours.Data), ours.Reply, ours.Header, len(echo.Data), echo.Reply, echo.Header)
	}
	if err := schema.Decode(schema.MessagePack, ours.Data, &reply); err != nil {
		t.Fatal(err)
	}
	return reply
}
