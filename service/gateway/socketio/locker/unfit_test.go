package locker_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

// What cannot be taken is refused alone: what else the socket holds it keeps.
func TestWhatIsTooLargeOrHasBytesIsRefusedAlone(t *testing.T) {
	d := alone(t)
	a, b := d.tab("ann"), d.tab("bob")
	a.want("lock", please, said("ok", "locked", held("", "ann", `"§1"`)), a)
	large := `{"resource":"other","details":{"x":"` + strings.Repeat("x", 70<<10) + `"}}`
	events := []string{"lock", "unlock", "isLock", "forceUnlock", "lockTable", "watch"}
	for _, event := range events {
		a.want(event, large, `{"result":"error","status":"error","data":null,"message":"request: more than 65536 bytes"}`)
	}
	d.wantRefused(map[gateway.Limit]float64{gateway.LimitSize: float64(len(events))})
	for _, event := range events {
		place := `{"resource":"other","details":{"x":{"_placeholder":true,"num":0}}}`
		a.count++
		a.write(fmt.Sprintf(`451-%d[%q,%s]`, a.count, event, place))
		if err := a.conn.Write(t.Context(), websocket.MessageBinary, []byte{1, 2, 3}); err != nil {
			t.Fatal(err)
		}
		refused := `{"result":"error","status":"error","data":` + place + `,"message":"request: must be JSON, without bytes"}]`
		emitted, acked := a.read(), a.read()
		if emitted != fmt.Sprintf(`42[%q,`, event)+refused || acked != fmt.Sprintf(`43%d[`, a.count)+refused {
			t.Errorf("%s: %s\n%s", event, emitted, acked)
		}
	}
	b.want("lockTable", "", `{"r":{"`+id+`":`+held("", "ann", `"§1"`)+`}}`, a)
}

func TestWhatIsTooLargeBeforeTheConnectIsCounted(t *testing.T) {
	d := open(t, clienttest.New(t).Conn(), gateway.Limits{Size: 1000}, locker.Config{})
	conn, response, err := websocket.Dial(t.Context(), d.url+"/socket.io/?"+url.Values{"EIO": {"4"}, "transport": {"websocket"}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	a := &tab{t: t, conn: conn}
	d.t.Cleanup(a.kill)
	a.read()
	a.write(`40{"token":"` + strings.Repeat("x", 1000) + `"}`)
	if got := a.read(); got != `44{"message":"Too large"}` {
		t.Error(got)
	}
	d.wantRefused(map[gateway.Limit]float64{gateway.LimitSize: 1})
	a.write("4" + strings.Repeat("x", 1_000_000))
	a.listen()
	for d.server.Connections() > 0 { // the client knows of the end before
		time.Sleep(time.Millisecond)
	}
	d.wantRefused(map[gateway.Limit]float64{gateway.LimitSize: 2})
}
