package locker_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

// gauges are the connections and requests that the door counts.
func (d *door) gauges() (connections, requests float64) {
	families, err := d.metrics.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "natslock_door_connections":
			connections = f.GetMetric()[0].GetGauge().GetValue()
		case "natslock_door_requests":
			requests = f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return connections, requests
}

// Sockets ask for more than they may at once, and end in the middle of it in every way
// there is. Of no request it is counted twice that it has ended, or never.
func TestNothingIsCountedAfterAFlood(t *testing.T) {
	d := open(t, clienttest.New(t).Conn(), gateway.Limits{Requests: 4}, locker.Config{Grace: time.Millisecond})
	var tabs sync.WaitGroup
	for i := range 40 {
		tb := d.dial(url.Values{"realm": {"r"}, "client_id": {fmt.Sprint(i % 3)}})
		if i%4 > 0 { // the others read nothing
			tabs.Go(tb.listen)
		}
		tabs.Go(func() { tb.flood(i) })
	}
	tabs.Wait()
	for connections, requests := d.gauges(); connections != 0 || requests != 0; connections, requests = d.gauges() {
		if connections < 0 || requests < 0 {
			t.Fatalf("%v connections and %v requests are counted", connections, requests)
		}
		time.Sleep(time.Millisecond) // what has begun ends in its time
	}
}

// flood asks for much, hears of nothing, and ends the connection.
func (tb *tab) flood(i int) {
	send := func(text string) error {
		return tb.conn.Write(tb.t.Context(), websocket.MessageText, []byte(text))
	}
	events := []string{"lock", "unlock", "isLock", "lockTable", "forceUnlock"}
	for n := range 10 + i {
		if send(fmt.Sprintf(`42%d[%q,{"resource":"%d"}]`, n, events[(n+i)%len(events)], n%3)) != nil {
			return // cut off
		}
	}
	switch i % 3 {
	case 0:
		_ = send("41") // also the others may be cut off
		tb.kill()
	case 1:
		tb.kill()
	case 2:
		_ = send("1")
	}
}
