package lockd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/natslock/natslock/client/clienttest"
)

// BenchmarkWho has a thousand connections with names ask for all names, together.
func BenchmarkWho(b *testing.B) {
	const many = 1000
	l := benchDoor(b, clienttest.New(b))
	conns := make([]net.Conn, many)
	for i := range conns {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		if _, err := fmt.Fprintln(c, "iam number", i); err != nil {
			b.Fatal(err)
		}
		if line, err := bufio.NewReader(c).ReadString('\n'); line != "1 ok\n" {
			b.Fatal(line, err)
		}
		conns[i] = c
	}
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for _, c := range conns {
		all.Go(func() {
			in := bufio.NewReader(c)
			for next.Add(1) <= int64(b.N) {
				if _, err := io.WriteString(c, "who\n"); err != nil {
					b.Error(err)
					return
				}
				for range many {
					if _, err := in.ReadSlice('\n'); err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	all.Wait()
}
