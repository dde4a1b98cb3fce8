package service_test

import (
	"strings"
	"testing"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// What comes faster than it can be read is refused unread, in whatever encoding it
// seems to be, and does nothing.
func TestARequestThatIsBehindIsRefusedUnread(t *testing.T) {
	s := start(t, t.TempDir())
	nc, err := s.server.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	worker, err := service.New(nc, s.store, s.present, nil)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[schema.Encoding][]string{}
	for _, encoding := range []schema.Encoding{schema.JSON, schema.MessagePack} {
		bodies[encoding] = append(bodies[encoding], string(schema.Append(nil, encoding, &schema.Acquire{Name: "x"})))
	}
	bodies[schema.JSON] = append(bodies[schema.JSON], "{no JSON")
	for _, e := range worker.Endpoints() {
		for encoding, texts := range bodies {
			for _, body := range texts {
				s.encoding = encoding
				p := s.listen()
				if err := s.nc.Flush(); err != nil {
					t.Fatal(err)
				}
				e.Handler(&bus.Request{Subject: e.Subject, Reply: p.sub.Subject, Body: []byte(body), Behind: true})
				if r := p.want(schema.StatusLimit); !strings.Contains(r.Message, "try again") {
					t.Errorf("%s: %q", e.Name, r.Message)
				}
			}
		}
	}
	e, err := s.store.Load(t.Context(), schema.LockKey(realm, "x"))
	if err != nil || e.Revision != 0 {
		t.Errorf("the lock is at %d, %v", e.Revision, err)
	}
}
