//go:build linux

package soak

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWhoVanishesHoldsNothingForLong has clients hold locks whose machines end without a
// word: the server finds that out by itself.
func TestWhoVanishesHoldsNothingForLong(t *testing.T) {
	t.Parallel()
	addrs := doorAddrs{byTCP: freeAddr(t), byWebsocket: freeAddr(t), byLDLM: freeAddr(t)}
	p := start(t, "serve", "--data", t.TempDir(), "--nats", freeAddr(t), "--sync", "1s", "--log-level", "warn",
		"--lockd", addrs[byTCP], "--lockd-ws", addrs[byWebsocket], "--lockd-realm", "doors", "--ldlm", addrs[byLDLM], "--ldlm-realm", "doors")
	if _, err := p.awaitReady(); err != nil {
		t.Fatal(err)
	}
	for way := range addrs {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			v, err := arrive(t.Context(), way, addrs)
			if err != nil {
				t.Fatal(err)
			}
			defer v.close()
			if got, err := v.take(t.Context(), way); err != nil || !got {
				t.Fatal(got, err)
			}
			if err := v.raw().vanish(); errors.Is(err, unix.EPERM) {
				t.Skip("only those who administer the network may vanish")
			} else if err != nil {
				t.Fatal(err)
			}
			vanished := time.Now()
			other, err := arrive(t.Context(), byTCP, addrs)
			if err != nil {
				t.Fatal(err)
			}
			defer other.close()
			for got := false; !got; pause(t.Context(), 50*time.Millisecond) {
				if got, err = other.take(t.Context(), way); err != nil {
					t.Fatal(err)
				}
				if !got && time.Since(vanished) > freeLater {
					t.Fatalf("held %s after its holder has vanished", time.Since(vanished))
				}
			}
			t.Logf("free after %s", time.Since(vanished).Round(time.Millisecond))
		})
	}
}
