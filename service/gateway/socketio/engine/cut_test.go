package engine

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/coder/websocket"
)

// short are limits that texts of a test exceed.
var short = Config{MaxPayload: 100, MaxRead: 1000}

// wantLarge wants so many packets to have been told of as too large.
func (b *bubble) wantLarge(want int) {
	b.t.Helper()
	if got := len(b.large); got != want {
		b.t.Errorf("%d were too large, want %d", got, want)
	}
}

func TestAFrameThatIsTooLargeIsCut(t *testing.T) {
	inBubble(t, short, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		whole := "4" + strings.Repeat("x", 99)
		s.send(whole, whole+"x", "4"+strings.Repeat("y", 999), "4after")
		s.want(whole, whole+" and more", "4"+strings.Repeat("y", 99)+" and more", "4after")
		for _, size := range []int{100, 101, 1000} {
			if err := s.conn.Write(t.Context(), websocket.MessageBinary, make([]byte, size)); err != nil {
				t.Error(err)
			}
		}
		s.want(string(make([]byte, 100)), " and more", " and more")
		b.wantLarge(4)
		_ = s.conn.Write(t.Context(), websocket.MessageText, make([]byte, 1001))
		s.wantClosed()
		e.wantClosed(t, ErrTooLarge)
		b.wantLarge(5)
	})
}

func TestAPacketOfABodyThatIsTooLargeIsCut(t *testing.T) {
	for _, chunked := range []bool{false, true} {
		inBubble(t, short, func(t *testing.T, b *bubble) {
			sid, e := b.open()
			post := func(text string) int {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), "POST", "http://natslock/?"+polling(sid), iotest.OneByteReader(strings.NewReader(text)))
				if err != nil {
					t.Fatal(err)
				}
				if !chunked {
					r.ContentLength = int64(len(text))
				}
				response, err := b.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				return response.StatusCode
			}
			whole := "4" + strings.Repeat("x", 99)
			bytes := "b" + strings.Repeat("A", 100)
			if status := post(strings.Join([]string{whole, whole + "x", whole, bytes, "4after"}, "\x1e")); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			binary := "bIGFuZCBtb3Jl"
			b.get(sid).want(t, 200, strings.Join([]string{whole, whole + " and more", whole, binary, "4after"}, "\x1e"))
			b.wantLarge(2)
			if status := post("4" + strings.Repeat("x", 999)); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			b.wantLarge(3)
			if status := post("4b\x1e4" + strings.Repeat("x", 997)); status != http.StatusRequestEntityTooLarge {
				t.Errorf("status %d", status)
			}
			e.wantClosed(t, ErrTooLarge)
			b.wantLarge(4)
		})
	}
}

// The connection of the client, on which others may come, is not cut with the session.
func TestASessionThatEndsInABodyReadsNoMoreOfIt(t *testing.T) {
	inBubble(t, short, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		b.post(sid, "4before\x1e1\x1e4after\x1enone").want(t, 200, "ok")
		e.wantClosed(t, ErrClientClosed)
		if len(e.got) != 1 || e.got[0] != "before" {
			t.Errorf("got %q", e.got)
		}
		other, _ := b.open()
		b.post(other, "4alive").want(t, 200, "ok")
		b.get(other).want(t, 200, "4alive")
	})
}

func TestTheLargestReadIsNoSmallerThanWhatIsKept(t *testing.T) {
	accept := func(*Session) Receiver { return nil }
	for read, want := range map[int]int{0: 100, 50: 100, 200: 200} {
		server, err := New(Config{Accept: accept, MaxPayload: 100, MaxRead: read})
		if err != nil || server.config.MaxRead != want {
			t.Errorf("%d: %+v, %v", read, server, err)
		}
	}
	if _, err := New(Config{Accept: accept, MaxRead: -1}); err == nil {
		t.Error("negative: no error")
	}
}
