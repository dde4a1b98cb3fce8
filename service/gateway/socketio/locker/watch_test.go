package locker_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

// watching is a socket that watches.
func (d *door) watching() *tab {
	d.t.Helper()
	w := d.tab("watcher")
	w.want("watch", "", said("ok", "watch", `{"realm":"r"}`))
	return w
}

// told reads up to the next lockEvent of a type.
func (tb *tab) told(typ string) string {
	tb.t.Helper()
	for {
		var got string
		if len(tb.events) > 0 {
			got, tb.events = tb.events[0], tb.events[1:]
		} else {
			got = tb.read()
		}
		if strings.HasPrefix(got, `42["lockEvent",{"type":"`+typ+`"`) {
			return got
		}
	}
}

// TestAllWhoWatchAreToldTheSame has one watch after a lock was taken: it knows whose.
func TestAllWhoWatchAreToldTheSame(t *testing.T) {
	d := alone(t)
	a, first := d.tab("ann"), d.watching()
	a.ask("lock", `{"resource":`+resource+`,"details":{"n":1}}`)
	if got := first.told("granted"); !strings.Contains(got, `"n":1`) {
		t.Error(got)
	}
	later := d.watching()
	a.ask("unlock", please)
	if one, other := first.told("released"), later.told("released"); one != other || !strings.Contains(one, `"n":1`) {
		t.Errorf("%s and %s", one, other)
	}
	first.leave()
	a.ask("lock", please)
	later.told("granted")
}

// What is held for a moment has ended when its event comes.
func TestWhoWatchesIsToldOfShortHolds(t *testing.T) {
	d := alone(t)
	w := d.watching()
	a := d.tab("ann")
	const rounds = 40
	for range rounds {
		a.write(`42["lock",{"resource":` + resource + `,"details":{"n":1}}]`)
		a.write(`42["unlock",{"resource":` + resource + `}]`)
	}
	for range rounds {
		for _, typ := range []string{"granted", "released"} {
			if got := w.told(typ); !strings.Contains(got, `"resource":`+resource) || !strings.Contains(got, `"n":1`) || !strings.Contains(got, a.sid) {
				t.Errorf("%s: %s", typ, got)
			}
		}
	}
	for range 2 * rounds {
		if got := a.read(); !strings.Contains(got, `"result":"ok"`) {
			t.Error(got)
		}
	}
}

func TestWhoWatchesIsToldThatEventsMayBeMissing(t *testing.T) {
	s := clienttest.New(t)
	nc, cable := s.Cable()
	d := open(t, nc, gateway.Limits{}, locker.Config{})
	a, w := d.tab("ann"), d.watching()
	a.ask("lock", please)
	cable.Cut()
	cable.Mend()
	w.told("lagged")
	other := d.dial(url.Values{"realm": {"other"}})
	other.until("watch", `""`, `"ok"`) // once this is in force all are again
	a.until("isLock", please, `"ok","status":"locked"`)
	a.ask("unlock", please)
	w.told("released")
}
