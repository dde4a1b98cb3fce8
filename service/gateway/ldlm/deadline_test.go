package ldlm

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// TestADeadlineAtTheAnswer has a call's deadline pass after its lock is granted and
// before it is answered. gRPC then resets the stream itself, and a client that has seen
// that need not.
func TestADeadlineAtTheAnswer(t *testing.T) {
	for _, keep := range []bool{false, true} {
		d := openDoor(t, nil, gateway.Limits{}, Config{Keep: keep})
		c := d.plain(t)
		if r := c.tryLock(t, "1H", "answered"); r == nil || !r.GetLocked() {
			t.Fatal(r)
		}
		d.lately.mu.Lock() // what comes between the grant and the answer
		r := c.tryLock(t, "500m", "x")
		d.lately.mu.Unlock()
		if r != nil {
			t.Fatal(r)
		}
		d.free(t, "x")
		if r := c.tryLock(t, "1H", "y"); r == nil || !r.GetLocked() {
			t.Fatal(r)
		}
		for _, name := range []string{"answered", "y"} {
			if h := d.state(t, name).Holders; len(h) != 1 {
				t.Errorf("%s: %+v", name, h)
			}
		}
	}
}

// plain is a client that does nothing of its own when a deadline passes.
type plain struct {
	http    *http.Transport
	address string
}

func (d *opened) plain(t *testing.T) plain {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return plain{transport, "http://" + d.address}
}

// tryLock returns nil if the call is not answered.
func (p plain) tryLock(t *testing.T, deadline, name string) *pb.LockResponse {
	t.Helper()
	message, err := proto.Marshal(&pb.TryLockRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	body := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.address+pb.LDLM_TryLock_FullMethodName, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	request.Header.Set("Grpc-Timeout", deadline)
	got, err := p.http.RoundTrip(request)
	if err != nil {
		return nil
	}
	defer got.Body.Close()
	if body, err = io.ReadAll(got.Body); err != nil || got.Trailer.Get("Grpc-Status") != "0" {
		return nil
	}
	var r pb.LockResponse
	if err := proto.Unmarshal(body[5:], &r); err != nil {
		t.Fatal(err)
	}
	return &r
}
