package ldlm

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

var connections = flag.Int("connections", 0, "how many connections TestCostOfConnections makes; none is none")

// TestCostOfConnections tells how much memory a natslock takes that has so many
// connections.
func TestCostOfConnections(t *testing.T) {
	if *connections == 0 {
		t.Skip("without -connections")
	}
	program := filepath.Join(t.TempDir(), "natslock")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../cmd/natslock").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	serve := exec.CommandContext(t.Context(), program, "serve", "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--http", "", "--ldlm", "127.0.0.1:0")
	serve.Cancel = func() error { return serve.Process.Signal(os.Interrupt) }
	stderr, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Wait() }) // it was interrupted
	address := ""
	for lines := bufio.NewScanner(stderr); lines.Scan() && !strings.HasPrefix(lines.Text(), "natslock: ready"); {
		if m := regexp.MustCompile(`ldlm listens.*addr=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			address = m[1]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	tell := func(what string) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", serve.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s kB", what, regexp.MustCompile(`VmRSS:\s+(\d+)`).FindSubmatch(status)[1])
	}
	tell("before the first")
	silent := make([]net.Conn, *connections)
	for i := range silent {
		if silent[i], err = net.Dial("tcp", address); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(silent[i], preface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(silent[i], make([]byte, frameHeaderSize)); err != nil {
			t.Fatal(err)
		}
	}
	tell("silent")
	for _, c := range silent {
		c.Close()
	}
	for i := range *connections {
		c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithReadBufferSize(0), grpc.WithWriteBufferSize(0))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if r, err := pb.NewLDLMClient(c).TryLock(context.Background(), &pb.TryLockRequest{Name: fmt.Sprint(i)}); err != nil || !r.GetLocked() {
			t.Fatal(r, err)
		}
	}
	tell("that hold a lock each")
}
