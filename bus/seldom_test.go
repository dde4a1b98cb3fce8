package bus_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/internal/bubbletest"
)

// page is what was written by whomever.
type page struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (p *page) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(text)
}

// turn returns the lines and begins anew.
func (p *page) turn() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.out.Reset()
	return strings.Split(strings.TrimSuffix(p.out.String(), "\n"), "\n")
}

// seldomLog is a logger whose lines are Seldom written, without their times.
func seldomLog() (*slog.Logger, func() []string) {
	var out page
	options := slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	return bus.SeldomLogger(slog.New(slog.NewTextHandler(&out, &options))), func() []string {
		synctest.Wait()
		return out.turn()
	}
}

func TestLinesOfOneKindAreWrittenOncePerSecond(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		log, lines := seldomLog()
		want := func(want ...string) {
			t.Helper()
			if got := lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("written: %q, want %q", got, want)
			}
		}
		for i := range 1000 {
			log.With("by", "x").Warn("odd", "i", i)
		}
		log.Error("odd")
		log.Warn("other")
		want("level=WARN msg=odd by=x i=0", "level=ERROR msg=odd", "level=WARN msg=other")
		time.Sleep(time.Second)
		want("level=WARN msg=odd by=x i=999 left_out=998")
		log.Warn("odd")
		want("")
		time.Sleep(time.Second)
		want("level=WARN msg=odd")
		time.Sleep(time.Second)
		log.Warn("odd")
		want("level=WARN msg=odd")
	})
}

func TestTheKindsOfLinesAreBounded(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		var seldom bus.Seldom
		var out page
		for i := range 10_000 {
			seldom.Write(fmt.Sprint("odd ", i), func(leftOut int) { _, _ = fmt.Fprintln(&out, i, leftOut) })
		}
		lines := len(out.turn())
		time.Sleep(time.Second)
		synctest.Wait()
		rest := fmt.Sprint(9999, 10_000-lines-1)
		if got := out.turn(); lines > 100 || len(got) != 1 || got[0] != rest {
			t.Errorf("%d lines, then %q, want %q", lines, got, rest)
		}
		time.Sleep(2 * time.Second)
	})
}
