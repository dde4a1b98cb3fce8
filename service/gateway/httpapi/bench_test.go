package httpapi_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

// BenchmarkPairs is an acquire and a release by 64 callers with a connection
// each: through the door, and with a handler that answers the same and does nothing.
func BenchmarkPairs(b *testing.B) {
	b.Run("door", func(b *testing.B) {
		s := clienttest.New(b)
		g, err := gateway.New(s.Conn(), gateway.Config{Local: s.Local()})
		if err != nil {
			b.Fatal(err)
		}
		defer g.Close()
		server, err := httpapi.New(g, httpapi.Config{})
		if err != nil {
			b.Fatal(err)
		}
		g.Ready()
		l := loopback(b)
		go func() { _ = server.Serve(l) }()
		defer func() { g.Drain(); _ = server.Drain(b.Context()) }()
		pairs(b, l.Addr().String())
	})
	b.Run("nothing", func(b *testing.B) {
		l := loopback(b)
		server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"status":"granted","name":"pair-12","token":305305922140160,"owner":"2BCXFIWINTTJ3LMUY7IHEW5YF3","ttl_ms":60000,"count":1}`+"\n")
		})}
		go func() { _ = server.Serve(l) }()
		defer func() { _ = server.Close() }()
		pairs(b, l.Addr().String())
	})
}

func loopback(b *testing.B) net.Listener {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return l
}

var tokenIn = regexp.MustCompile(`"token":(\d+)`)

// pairs has 64 callers take and give back locks of their own.
func pairs(b *testing.B, address string) {
	b.Helper()
	const callers = 64
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	defer transport.CloseIdleConnections()
	c := http.Client{Transport: transport}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			url := fmt.Sprintf("http://%s%spair-%d", address, lockPath, i)
			for left.Add(-1) >= 0 {
				granted := ask(b, &c, "POST", url, `{"ttl_ms":60000}`)
				ask(b, &c, "DELETE", url+"?token="+tokenIn.FindStringSubmatch(granted)[1], "")
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
}

func ask(b *testing.B, c *http.Client, method, url, body string) string {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	got, err := c.Do(r)
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(got.Body)
	_ = got.Body.Close()
	if err != nil || got.StatusCode != 200 {
		panic(fmt.Sprint(got.Status, err, string(text)))
	}
	return string(text)
}
