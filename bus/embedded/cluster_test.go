package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
)

// A cluster of three plain NATS servers, as an operator runs it.
type cluster struct {
	t       *testing.T
	servers []*server.Server
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	var routes string
	ports := freePorts(t, 3)
	for i, port := range ports {
		if i > 0 {
			routes += ","
		}
		routes += fmt.Sprintf("nats://127.0.0.1:%d", port)
	}
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), JetStreamMaxMemory: 1 << 28, JetStreamMaxStore: 1 << 28,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: port},
			Routes:  server.RoutesFromStr(routes),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		c.servers = append(c.servers, s)
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
	}
	return c
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// connect connects to one server, and to the others when it is gone.
func (c *cluster) connect(i int) *nats.Conn {
	c.t.Helper()
	urls := c.servers[i].ClientURL()
	for j, s := range c.servers {
		if j != i {
			urls += "," + s.ClientURL()
		}
	}
	nc, err := bus.Connect(c.t.Context(), urls, bus.ConnectConfig{Name: "test", Options: []nats.Option{nats.DontRandomize()}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(nc.Close)
	return nc
}

func (c *cluster) open(nc *nats.Conn, name string) *bus.Bucket {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	b, err := bus.OpenBucket(ctx, nc, bus.BucketConfig{Name: name, Replicas: 3, FirstSeq: 1_000_000})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := b.Close(); err != nil {
			c.t.Errorf("close: %v", err)
		}
	})
	return b
}

func TestABucketWithReplicasPassesTheStoreSuite(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	n := 0
	bustest.RunStoreSuite(t, func(t *testing.T) bus.Store {
		n++
		sub := &cluster{t: t, servers: c.servers}
		return sub.open(sub.connect(n%3), fmt.Sprintf("bucket%d", n))
	})
}

func TestAStoreOutlivesTheLossOfItsLeader(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	nc := c.connect(0)
	b := c.open(nc, "x")
	watched := make(chan uint64, 100)
	ready, ended := make(chan struct{}), make(chan error)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() {
		ended <- c.open(c.connect(1), "x").Watch(ctx, func(e bus.Entry) { watched <- e.Revision }, func() { close(ready) })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	<-ready
	asked, err := nc.SubscribeSync("$KV.x.>")
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	for i, lose := range []func(){func() {}, c.stepDown, c.stepDown, c.shutDownLeader} {
		lose()
		last = insist(t, b, bus.Write{Key: "k", Value: fmt.Append(nil, i), Expected: last})
		for seen := range watched {
			if seen == last {
				break
			}
			if seen > last {
				t.Fatalf("revision %d was seen, %d was not", seen, last)
			}
		}
	}
	// A leader that has lost its office unawares may yet refuse what was acknowledged.
	writes, _, err := asked.Pending()
	if err != nil || writes < 2 {
		t.Fatalf("%d writes were seen: %v", writes, err)
	}
	inboxes := map[string]bool{}
	for range writes {
		m, err := asked.NextMsg(time.Minute)
		if err != nil || m.Reply == "" || inboxes[m.Reply] {
			t.Fatalf("%v: another write is to be acknowledged at %q", err, m.Reply)
		}
		inboxes[m.Reply] = true
	}
}

// insist writes until it is certain that it was written, once, as a worker does.
func insist(t *testing.T, b *bus.Bucket, w bus.Write) uint64 {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; {
		done := make(chan error, 1)
		var revision uint64
		b.Commit([]bus.Write{w}, func(r uint64, err error) {
			revision = r
			done <- err
		})
		switch err := <-done; {
		case err == nil:
			return revision
		case errors.Is(err, bus.ErrConflict):
			e, err := b.Load(t.Context(), w.Key)
			if err == nil && e.Revision > w.Expected && string(e.Value) == string(w.Value) {
				return e.Revision
			}
		}
	}
	t.Fatal("it could not be written")
	return 0
}

func (c *cluster) stepDown() {
	c.t.Helper()
	nc := c.connect(2)
	defer nc.Close()
	m, err := nc.Request("$JS.API.STREAM.LEADER.STEPDOWN.KV_x", nil, 10*time.Second)
	if err != nil || !strings.Contains(string(m.Data), `"success":true`) {
		c.t.Fatalf("step down: %v, %v", m, err)
	}
}

func (c *cluster) shutDownLeader() {
	c.t.Helper()
	for _, s := range c.servers {
		if s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, "KV_x") {
			s.Shutdown()
			s.WaitForShutdown()
			return
		}
	}
	c.t.Fatal("there is no leader")
}
