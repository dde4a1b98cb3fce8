package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// The bound of the store is told to callers, in metrics and where readiness is asked for,
// and nobody is kept from a release.
func TestServeBoundsItsStore(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--sync", "1s", "--max-store", "20KiB")
	http := s.logged(t, "http listens", "url")
	lock := func(i int) string { return fmt.Sprintf("%s/v1/realms/default/locks/n%d", http, i) }
	body := `{"client":"c","owner":"o","ttl_ms":3600000,"meta":{"m":"` + strings.Repeat("x", 4000) + `"}}`
	taken := 0
	for ; taken < 10; taken++ {
		if code, _ := post(t, lock(taken), body); code != 200 {
			if code != 429 {
				t.Fatal(code)
			}
			break
		}
	}
	if taken < 2 || taken == 10 {
		t.Fatalf("%d locks of 4 KiB were taken", taken)
	}
	if text := fetch(t, http+"/readyz"); !strings.Contains(text, "nearly full") {
		t.Errorf("ready: %q", text)
	}
	if text := fetch(t, http+"/metrics"); !strings.Contains(text, `natslock_store_full{bucket="locks"} 1`) ||
		!strings.Contains(text, `natslock_store_limit_bytes{bucket="locks"} 20480`) {
		t.Error("the metrics do not tell of it")
	}
	for i := range taken {
		bare(t, "release", fmt.Sprint("n", i), "--client", "c", "--owner", "o", "--server", s.logged(t, "nats listens", "url")).want(t, 0, "")
	}
	s.stop(t, syscall.SIGTERM)
}

func TestServeRefusesASizeThatIsNone(t *testing.T) {
	bare(t, "serve", "--max-store", "much").want(t, 2, "512MiB")
	bare(t, "serve", "--nats-max-subscriptions", "5").want(t, 2, "at least 100")
}
