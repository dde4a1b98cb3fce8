package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// A real server that is filled by many at once is emptied again by each of the
// ways in which holds end.
func TestAServerThatIsFullComesFree(t *testing.T) {
	const most = 600_000
	s := startWith(t, t.TempDir(), &service.Config{MaxStore: most}, (*service.Worker).TakeAtOnce)
	s.want(schema.StatusOK, &schema.Keepalive{Session: "s", Create: true, Client: "x", TTL: ms(60_000)})
	present := s.listen()
	for i := range 5 {
		present.send(&schema.Acquire{Name: fmt.Sprint("present", i), Session: "s", Client: "x", Meta: meta})
		present.want(schema.StatusGranted)
	}
	var short uint64
	for i := range 3 {
		short = s.lock(&schema.Acquire{Name: fmt.Sprint("short", i), TTL: ms(2000), Meta: meta})
	}
	all, tokens := s.listen(), map[string]uint64{}
	for i := range 300 {
		all.send(&schema.Acquire{Name: fmt.Sprint("full", i), TTL: day(), Meta: meta})
	}
	refused := 0
	for range 300 {
		switch r := all.reply(); r.Status {
		case schema.StatusGranted:
			tokens[r.Name] = r.Token
		case schema.StatusLimit:
			refused++
		default:
			t.Fatalf("%s (%s)", r.Status, r.Message)
		}
	}
	extent, err := s.store.Extent(t.Context())
	if err != nil || extent.Bytes > most || extent.Bytes < most/2 || refused == 0 {
		t.Fatalf("%+v (%v), %d refused", extent, err, refused)
	}
	s.want(schema.StatusLimit, &schema.Acquire{Names: []string{"a", "b"}, Meta: meta})
	s.want(schema.StatusOK, &schema.Keepalive{Session: "s", Client: "x"})
	s.want(schema.StatusOK, &schema.Leave{Session: "s", Client: "x"})
	forced := 0
	for name, token := range tokens {
		if forced++; forced%2 == 0 {
			s.want(schema.StatusReleased, &schema.Force{Name: name, Token: token})
			continue
		}
		s.want(schema.StatusRenewed, &schema.Renew{Name: name, Token: token})
		s.unlock(name, token)
	}
	for i := range 3 {
		for len(s.state(fmt.Sprint("short", i)).Holders) > 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}
	m := &schema.Acquire{Name: "again", Client: "x", TTL: day(), Meta: meta}
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		r := s.ask(m)
		if r.Status == schema.StatusGranted && r.Token > short {
			break
		}
		if r.Status != schema.StatusLimit || time.Now().After(end) {
			t.Fatalf("%s (%s)", r.Status, r.Message)
		}
	}
}
