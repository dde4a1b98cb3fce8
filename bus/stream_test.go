package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
)

// good is the stream as the notes for operators tell to make it by hand.
func good() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: "KV_natslock_locks", Subjects: []string{"$KV.natslock_locks.>"}, MaxMsgsPerSubject: 1,
		Discard: jetstream.DiscardNew, AllowMsgTTL: true, AllowAtomicPublish: true, FirstSeq: 5000,
	}
}

func createStream(t *testing.T, nc *nats.Conn, cfg jetstream.StreamConfig) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func TestAnExistingBucketIsUsedAsItIs(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	cfg := good()
	cfg.Description = "made by hand"
	cfg.DenyDelete = true
	createStream(t, nc, cfg)
	b := openBucket(t, nc, bus.BucketConfig{FirstSeq: 5000})
	if revision := mustCommit(t, b, bus.Write{Key: "a"}); revision != 5000 {
		t.Errorf("the first revision is %d", revision)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), cfg.Name)
	if err != nil {
		t.Fatal(err)
	}
	if s.CachedInfo().Config.Description != cfg.Description {
		t.Errorf("it was changed: %+v", s.CachedInfo().Config)
	}
}

func TestABucketUnfitForLocksIsRefused(t *testing.T) {
	const remake = "let natslock make it anew, without its locks, after: nats stream rm KV_natslock_locks"
	for _, test := range []struct {
		change func(*jetstream.StreamConfig)
		says   []string
	}{
		{func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }, []string{"max_msgs_per_subject is 5 and must be 1", "nats stream edit KV_natslock_locks --max-msgs-per-subject=1"}},
		{func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, []string{"storage is memory and must be file", remake}},
		{func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "other") }, []string{"subjects is $KV.natslock_locks.>,other and must be $KV.natslock_locks.>", "--subjects='$KV.natslock_locks.>'"}},
		{func(c *jetstream.StreamConfig) { c.Subjects = []string{"$KV.natslock_locks.a.>"} }, []string{"subjects is"}},
		{func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, []string{"retention is interest and must be limits", remake}},
		{func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, []string{"discard is old and must be new", "--discard=new"}},
		{func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject = true }, []string{"discard_new_per_subject is true and must be false", "--no-discard-per-subject"}},
		{func(c *jetstream.StreamConfig) { c.MaxMsgs = 1000 }, []string{"max_msgs is 1000 and must be -1", "--max-msgs=-1"}},
		{func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, []string{"max_bytes is 1048576 and must be -1", "--max-bytes=-1"}},
		{func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, []string{"max_age is 1h0m0s and must be 0s", "--max-age=0s"}},
		{func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 }, []string{"max_msg_size is 1000 and must be -1", "--max-msg-size=-1"}},
		{func(c *jetstream.StreamConfig) { c.MaxConsumers = 3 }, []string{"max_consumers is 3 and must be -1", remake}},
		{func(c *jetstream.StreamConfig) { c.NoAck = true; c.AllowAtomicPublish = false }, []string{"no_ack is true and must be false", "--ack"}},
		{func(c *jetstream.StreamConfig) { c.AllowRollup = true; c.SubjectDeleteMarkerTTL = time.Minute }, []string{"subject_delete_marker_ttl is 1m0s and must be 0s", "--subject-del-markers-ttl=0s"}},
		{func(c *jetstream.StreamConfig) { c.AllowMsgTTL = false }, []string{"allow_msg_ttl is false and must be true", "--allow-msg-ttl"}},
		{func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false }, []string{"allow_atomic is false and must be true", "--allow-batch", "needs nats-server 2.12"}},
		{func(c *jetstream.StreamConfig) { c.AllowDirect = true }, []string{"allow_direct is true and must be false", "--no-allow-direct"}},
		{func(c *jetstream.StreamConfig) {
			c.PersistMode = jetstream.AsyncPersistMode
			c.AllowAtomicPublish = false
		}, []string{"persist_mode is async and must be default", remake}},
		{func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "other"}} }, []string{"sources is set and must be unset"}},
		{func(c *jetstream.StreamConfig) {
			c.Subjects, c.AllowMsgTTL, c.AllowAtomicPublish, c.FirstSeq, c.Mirror = nil, false, false, 0, &jetstream.StreamSource{Name: "other"}
		}, []string{"mirror is set and must be unset", remake}},
		{func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "$KV.natslock_locks.>", Destination: "$KV.natslock_locks.x.>"}
		}, []string{"subject_transform is set and must be unset", "--no-transform"}},
		{func(c *jetstream.StreamConfig) {
			c.AllowMsgCounter, c.AllowMsgTTL, c.Discard = true, false, jetstream.DiscardOld
		}, []string{"allow_msg_counter is true and must be false", remake}},
		{func(c *jetstream.StreamConfig) { c.AllowDirect, c.MaxMsgsPerSubject = true, 64 }, []string{"max_msgs_per_subject is 64", "; allow_direct is true", "nats stream edit KV_natslock_locks --max-msgs-per-subject=1 --no-allow-direct"}},
	} {
		t.Run(test.says[0], func(t *testing.T) {
			nc := workerConn(t, startServer(t, t.TempDir(), ""))
			cfg := good()
			test.change(&cfg)
			createStream(t, nc, cfg)
			b, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: "natslock_locks", FirstSeq: 5000})
			if err == nil {
				_ = b.Close()
				t.Fatal("it was opened")
			}
			for _, text := range append(test.says, "bucket natslock_locks: the stream KV_natslock_locks is not fit for locks: ") {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error does not say %q: %v", text, err)
				}
			}
		})
	}
}

func TestASealedBucketIsRefused(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	createStream(t, nc, good())
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	cfg := good()
	cfg.Sealed = true
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	_, err = bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: "natslock_locks"})
	if err == nil || !strings.Contains(err.Error(), "sealed is true and must be false") {
		t.Errorf("error %v", err)
	}
}

func TestABucketMadeWithoutFirstSeqIsRefused(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	cfg := good()
	cfg.FirstSeq = 0
	createStream(t, nc, cfg)
	_, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: "natslock_locks", FirstSeq: 5000})
	if err == nil || !strings.Contains(err.Error(), "the next revision is 1 and must be 5000 or more (a token of an earlier store could be given again)") {
		t.Errorf("error %v", err)
	}
}

func TestABucketWithoutTokensLeftIsRefused(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	cfg := good()
	cfg.FirstSeq = 1 << 45
	createStream(t, nc, cfg)
	_, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: "natslock_locks", FirstSeq: 5000})
	if err == nil || !strings.Contains(err.Error(), "the next revision is 35184372088832 and must be less than 35184372088832 (tokens do not fit into 53 bits") {
		t.Errorf("error %v", err)
	}
}

func TestAServerThatTakesOnlySmallMessagesIsRefused(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Config{DataDir: t.TempDir(), MaxPayload: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
	}()
	_, err = bus.OpenBucket(t.Context(), workerConn(t, server), bus.BucketConfig{Name: "natslock_locks"})
	if err == nil || !strings.Contains(err.Error(), "max_payload is 65536 and must be 524800 or more") {
		t.Errorf("error %v", err)
	}
}

func TestABucketNameThatIsNoneIsRefused(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	for _, name := range []string{"", "a.b", "a b", "*", ">", strings.Repeat("x", 65)} {
		if _, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: name}); err == nil {
			t.Errorf("%q was opened", name)
		}
	}
}

func TestReplicasWithoutAClusterAreRefused(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := bus.OpenBucket(ctx, nc, bus.BucketConfig{Name: "natslock_locks", Replicas: 3})
	if err == nil || !strings.Contains(err.Error(), "replicas > 1 not supported in non-clustered mode") {
		t.Errorf("error %v", err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	nc, err := server.SystemConn() // an account without JetStream
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = bus.OpenBucket(ctx, nc, bus.BucketConfig{Name: "natslock_locks"})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "JetStream not enabled for account") {
		t.Errorf("error %v", err)
	}
}

func TestOpenWithoutPermissionSaysSo(t *testing.T) {
	nc := callerConn(t, startServer(t, t.TempDir(), ""))
	_, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: "natslock_locks"})
	if !errors.Is(err, bus.ErrDenied) || !strings.Contains(err.Error(), "$JS.API.STREAM.INFO.KV_natslock_locks") {
		t.Errorf("error %v", err)
	}
}
