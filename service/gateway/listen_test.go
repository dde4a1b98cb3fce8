package gateway_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/natslock/natslock/service/gateway"
)

func TestAnAddressOfIPv4IsNoneOfIPv6(t *testing.T) {
	l, err := gateway.Listen(t.Context(), "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil || host != "0.0.0.0" {
		t.Errorf("it listens on %s, %v", l.Addr(), err)
	}
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp6", "[::1]:"+port); err == nil {
		_ = c.Close()
		t.Error("it answers on IPv6")
	}
	_, err = gateway.Listen(t.Context(), "0.0.0.0:"+port)
	if want := "listen on 0.0.0.0:" + port + ": bind: address already in use"; err == nil || err.Error() != want || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v, want %s", err, want)
	}
}
