package service_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// limited runs a NATS server whose account may store so many bytes in files and in memory.
func limited(t *testing.T, files, memory int) *nats.Conn {
	t.Helper()
	options := &server.Options{}
	err := options.ProcessConfigString(fmt.Sprintf(
		`accounts { A { jetstream: { max_file: %d, max_mem: %d }, users: [ { user: a, password: a } ] } }`, files, memory))
	if err != nil {
		t.Fatal(err)
	}
	options.DontListen, options.NoSigs, options.NoLog = true, true, true
	options.JetStream, options.StoreDir = true, t.TempDir()
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(slowDisk) {
		t.Fatal("the server is not ready")
	}
	nc, err := nats.Connect("", append(bus.Defaults(), nats.InProcessServer(s), nats.UserInfo("a", "a"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// A NATS that refuses every write at the limit of the account never gets there.
func TestTheLimitOfANATSAccountIsNotReached(t *testing.T) {
	nc := limited(t, 1<<20, 1<<20)
	s := &system{config: &service.Config{}, tune: (*service.Worker).TakeAtOnce}
	open := func(name string, memory bool) bus.Store {
		b, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: name, FirstSeq: 1_000_000, Memory: memory, Timeout: slowDisk})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Close(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
				t.Error(err)
			}
		})
		return b
	}
	s.store, s.present = open("natslock_locks", false), open("natslock_sessions", true)
	s.caller = &caller{t: t, nc: nc, encoding: schema.MessagePack, patience: answered}
	defer s.run(nc)()
	all, tokens, refused := s.listen(), map[string]uint64{}, 0
	for i := range 400 {
		all.send(&schema.Acquire{Name: fmt.Sprint("full", i), TTL: day(), Meta: meta})
	}
	for range 400 {
		switch r := all.reply(); r.Status {
		case schema.StatusGranted:
			tokens[r.Name] = r.Token
		case schema.StatusLimit:
			refused++
		default:
			t.Fatalf("%s (%s)", r.Status, r.Message)
		}
	}
	if len(tokens) < 50 || refused < 50 {
		t.Fatalf("%d granted, %d refused", len(tokens), refused)
	}
	for name, token := range tokens {
		s.unlock(name, token)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		r := s.ask(&schema.Acquire{Name: "again", Client: "x", Owner: "o", TTL: day(), Meta: meta})
		if r.Status == schema.StatusGranted {
			break
		}
		if r.Status != schema.StatusLimit || time.Now().After(end) {
			t.Fatalf("%s (%s)", r.Status, r.Message)
		}
	}
}
