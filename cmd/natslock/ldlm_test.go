package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpccredentials "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// ldlmServe is a serve with the LDLM door.
func ldlmServe(t *testing.T, args ...string) *serving {
	t.Helper()
	return startServe(t, append([]string{
		"--data", t.TempDir(), "--nats", "127.0.0.1:0", "--sync", "1s", "--ldlm", "127.0.0.1:0",
	}, args...)...)
}

func dialLDLM(t *testing.T, s *serving, security grpccredentials.TransportCredentials) pb.LDLMClient {
	t.Helper()
	c, err := grpc.NewClient(s.logged(t, "ldlm listens", "addr"), grpc.WithTransportCredentials(security))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return pb.NewLDLMClient(c)
}

// selfSigned writes a certificate that is its own authority, for this machine.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestServeLDLM(t *testing.T) {
	s := ldlmServe(t, "--ldlm-realm", "old", "--ldlm-password", "sesame")
	a := dialLDLM(t, s, insecure.NewCredentials())
	if _, err := a.TryLock(t.Context(), &pb.TryLockRequest{Name: "x"}); status.Code(err) != codes.Unauthenticated {
		t.Error(err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "sesame")
	if r, err := a.TryLock(ctx, &pb.TryLockRequest{Name: "x"}); err != nil || !r.GetLocked() {
		t.Fatal(r, err)
	}
	seen(t, "held", "inspect", "--server", s.logged(t, "nats listens", "url"), "--realm", "old", "x")
	if code := s.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("status %d: %q", code, s.lines)
	}
}

func TestServeLDLMOverTLS(t *testing.T) {
	cert, key := selfSigned(t)
	s := ldlmServe(t, "--ldlm-rest", "127.0.0.1:0", "--ldlm-tls-cert", cert, "--ldlm-tls-key", key, "--ldlm-client-ca", cert)
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	with := dialLDLM(t, s, grpccredentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}))
	without := dialLDLM(t, s, grpccredentials.NewTLS(&tls.Config{RootCAs: roots}))
	if r, err := with.TryLock(t.Context(), &pb.TryLockRequest{Name: "x"}); err != nil || !r.GetLocked() {
		t.Error(r, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := without.TryLock(ctx, &pb.TryLockRequest{Name: "y"}); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	for _, c := range []struct {
		own  []tls.Certificate
		want bool
	}{{[]tls.Certificate{own}, true}, {nil, false}} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: c.own}, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Post("https://"+s.logged(t, "ldlm rest listens", "addr")+"/session", "", nil)
		if err == nil {
			response.Body.Close()
		}
		if (err == nil && response.StatusCode == http.StatusCreated) != c.want {
			t.Error(response, err)
		}
	}
}

// TestServeLDLMOverREST has REST without gRPC.
func TestServeLDLMOverREST(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--sync", "1s",
		"--ldlm-rest", "127.0.0.1:0", "--ldlm-rest-session-timeout", "1h", "--ldlm-password", "sesame", "--ldlm-realm", "old")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	caller := &http.Client{Jar: jar, Transport: transport}
	for _, c := range []struct{ path, body, want string }{
		{"/session", "", `{"session_id": "`},
		{"/v1/lock", `{"name":"x"}`, `"locked":true`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.logged(t, "ldlm rest listens", "addr")+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("any", "sesame")
		response, err := caller.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(text), c.want) {
			t.Errorf("%s: %s %v", c.path, text, err)
		}
	}
	seen(t, "held", "inspect", "--server", s.logged(t, "nats listens", "url"), "--realm", "old", "x")
	if code := s.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("status %d: %q", code, s.lines)
	}
}

// TestEveryDoorSeesWhatOneHasTaken has each of the doors take a lock of a realm that
// they share.
func TestEveryDoorSeesWhatOneHasTaken(t *testing.T) {
	s := ldlmServe(t, "--http", "127.0.0.1:0", "--socketio-realm", "default")
	nats, web := s.logged(t, "nats listens", "url"), s.logged(t, "http listens", "url")
	a := dialLDLM(t, s, insecure.NewCredentials())
	const orders = "aac108da1d2f83cc27bd00482d9f49fa00f0a4e8" // what socket.io calls a resource
	resource := `{"resource":{"entity":"orders","entityID":"42"}}`
	post := func(path, body string) string {
		t.Helper()
		response, err := http.Post(web+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	try := func(name string, want bool) string {
		t.Helper()
		r, err := a.TryLock(t.Context(), &pb.TryLockRequest{Name: name})
		if err != nil || r.GetLocked() != want || r.GetError() != nil {
			t.Fatal(r, err)
		}
		return r.GetKey()
	}
	key := try(orders, true)
	seen(t, key, "inspect", "--server", nats, orders)
	if text := post("/v1/realms/default/locks/"+orders, `{"client":"ann","ttl_ms":60000}`); !strings.Contains(text, `"status":"held"`) {
		t.Error(text)
	}
	if text := post("/lock", `{"uid":"ann","keys":["`+orders+`"],"exp":5000}`); !strings.Contains(text, `"error":"locked"`) {
		t.Error(text)
	}
	talkSocketIO(t, s, "&client_id=ann", [][2]string{
		{"", `0{"sid":`}, {"40", `40{"sid":`}, {`42["lock",` + resource + `]`, `42["lock",{"result":"error","status":"locked",`},
	})
	if r, err := a.Unlock(t.Context(), &pb.UnlockRequest{Name: orders, Key: key}); err != nil || !r.GetUnlocked() {
		t.Fatal(r, err)
	}
	talkSocketIO(t, s, "&client_id=bob", [][2]string{
		{"", `0{"sid":`}, {"40", `40{"sid":`}, {`42["lock",` + resource + `]`, `42["lock",{"result":"ok","status":"locked",`},
	})
	try(orders, false)
	post("/lock", `{"uid":"ann","keys":["http"],"exp":600000}`)
	try("http", false)
	if r := bare(t, "acquire", "--server", nats, "--ttl", "10m", "nats"); r.status != 0 {
		t.Fatal(r)
	}
	try("nats", false)
}
