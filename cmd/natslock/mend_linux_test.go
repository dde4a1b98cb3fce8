package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/cmd/natslock/screen"
)

// natsCommand is the nats command, which .ci/natscli.sh builds.
func natsCommand(t *testing.T) string {
	t.Helper()
	if built, err := filepath.Abs("../../.ci/bin/nats"); err == nil {
		if _, err := os.Stat(built); err == nil {
			return built
		}
	}
	path, err := exec.LookPath("nats")
	if err != nil {
		t.Skip("there is no nats command: .ci/natscli.sh builds it")
	}
	return path
}

// makeBucket makes a bucket by hand that is fit for locks but for the change.
func makeBucket(t *testing.T, url string, change func(*jetstream.StreamConfig)) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	first, err := bus.FirstSeq(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cfg := jetstream.StreamConfig{
		Name: "KV_" + locksBucket, Subjects: []string{"$KV." + locksBucket + ".>"}, MaxMsgsPerSubject: 1,
		Discard: jetstream.DiscardNew, AllowMsgTTL: true, AllowAtomicPublish: true, FirstSeq: first,
	}
	change(&cfg)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if _, err = js.CreateStream(t.Context(), cfg); err == nil {
			return
		}
		if time.Now().After(deadline) { // a new cluster finds together first
			t.Fatal(err)
		}
	}
}

// What a start that finds its bucket unfit tells the operator to type mends it.
func TestWhatARefusedBucketIsMendedByMendsIt(t *testing.T) {
	command := natsCommand(t)
	for name, change := range map[string]func(*jetstream.StreamConfig){
		"subjects":                func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "other") },
		"max_msgs_per_subject":    func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 },
		"discard":                 func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"discard_new_per_subject": func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject = true },
		"max_msgs":                func(c *jetstream.StreamConfig) { c.MaxMsgs = 1000 },
		"max_bytes":               func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 },
		"max_age":                 func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"max_msg_size":            func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 },
		"max_consumers":           func(c *jetstream.StreamConfig) { c.MaxConsumers = 3 },
		"no_ack":                  func(c *jetstream.StreamConfig) { c.NoAck, c.AllowAtomicPublish = true, false },
		"delete_markers":          func(c *jetstream.StreamConfig) { c.AllowRollup, c.SubjectDeleteMarkerTTL = true, time.Minute },
		"allow_msg_ttl":           func(c *jetstream.StreamConfig) { c.AllowMsgTTL = false },
		"allow_atomic":            func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false },
		"allow_direct":            func(c *jetstream.StreamConfig) { c.AllowDirect = true },
		"subject_transform": func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "$KV.natslock_locks.>", Destination: "$KV.natslock_locks.x.>"}
		},
		"storage": func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"several": func(c *jetstream.StreamConfig) { c.AllowDirect, c.MaxMsgsPerSubject, c.MaxMsgs = true, 64, 7 },
	} {
		t.Run(name, func(t *testing.T) {
			url := plainNATS(t, true)
			makeBucket(t, url, change)
			r := bare(t, "serve", "--nats-url", url).want(t, 1, "is not fit for locks")
			_, mend, ok := strings.Cut(strings.TrimSpace(r.err), ": nats stream ")
			if !ok {
				t.Fatal(r.err)
			}
			edit(t, url, "exec "+command+" stream "+mend+" --force")
			startServe(t, "--nats-url", url).stop(t, syscall.SIGTERM)
		})
	}
}

func TestABucketOfFewerReplicasIsToldOfAndMended(t *testing.T) {
	command, url := natsCommand(t), natsCluster(t)
	makeBucket(t, url, func(*jetstream.StreamConfig) {})
	const says = "fewer replicas"
	for _, enough := range []bool{false, true} {
		s := startServe(t, "--nats-url", url, "--replicas", "3")
		s.stop(t, syscall.SIGTERM)
		log := strings.Join(s.lines, "\n")
		_, rest, told := strings.Cut(log, says)
		if told == enough {
			t.Fatalf("told: %v\n%s", told, log)
		}
		if !told {
			break
		}
		_, mend, _ := strings.Cut(rest, `mend="nats `)
		mend, _, _ = strings.Cut(mend, `"`)
		edit(t, url, "exec "+command+" "+mend+" --force")
	}
	s := startServe(t, "--nats-url", url) // one is asked for, and three are no less
	s.stop(t, syscall.SIGTERM)
	if log := strings.Join(s.lines, "\n"); strings.Contains(log, says) {
		t.Error(log)
	}
}

// natsCluster starts three NATS servers that are not ours, and returns their URLs.
func natsCluster(t *testing.T) string {
	t.Helper()
	var routes, urls []string
	for i := range 3 {
		s, err := natsserver.NewServer(&natsserver.Options{
			ServerName: strconv.Itoa(i), Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true,
			JetStream: true, StoreDir: t.TempDir(), Routes: natsserver.RoutesFromStr(strings.Join(routes, ",")),
			Cluster: natsserver.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: natsserver.RANDOM_PORT},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
		if !s.ReadyForConnections(20 * time.Second) {
			t.Fatal("the server does not start")
		}
		routes = append(routes, "nats://"+s.ClusterAddr().String())
		urls = append(urls, s.ClientURL())
	}
	return strings.Join(urls, ",")
}

// edit runs a line of an operator's, who says yes when asked.
func edit(t *testing.T, url, line string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Env = append(os.Environ(), "NATS_URL="+url, "HOME="+t.TempDir(), "TERM=dumb")
	s, err := screen.Open(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if strings.Contains(line, " stream edit ") {
		sayYes(t, s)
	}
	wantExit(t, s, 0)
}

// sayYes answers a prompt of the nats command, which asks the terminal how large
// it is and where the cursor is, and throws away what was typed before it reads.
func sayYes(t *testing.T, s *screen.Screen) {
	t.Helper()
	expect(t, s, "Really operate on the KV stream?")
	for range 2 {
		expect(t, s, "\x1b[6n")
		typeKeys(t, s, "\x1b[24;80R")
	}
	read, again := make(chan struct{}), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	go func() {
		defer close(read)
		_, _ = s.Expect("was updated") // if not, the exit status tells
	}()
	for {
		select {
		case <-again.C:
			_ = s.Type("y\r") // which nobody may read any more
		case <-read:
			return
		}
	}
}
