package locker_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

const (
	resource = `{"entity":"orders","entityID":"42"}`
	id       = "aac108da1d2f83cc27bd00482d9f49fa00f0a4e8"
	please   = `{"resource":` + resource + `}`
)

// held is a record.
func held(details, client, sids string) string {
	if details != "" {
		details += ","
	}
	return `{"resource":` + resource + `,"details":{` + details + `"realm":"r","client_id":"` + client + `","sids":[` + sids + `]},"resourceID":"` + id + `"}`
}

func said(result, status, data string) string {
	return `{"result":"` + result + `","status":"` + status + `","data":` + data + `}`
}

func TestEveryRowOfTheTable(t *testing.T) {
	d := alone(t)
	a, b := d.tab("ann"), d.tab("bob")
	with := func(details string) string { return `{"resource":` + resource + `,"details":{` + details + `}}` }
	both := []*tab{a, b}

	a.want("isLock", please, said("ok", "free", please))
	a.want("isLock", with(`"n":1`), said("ok", "free", with(`"n":1,"realm":"r","client_id":"ann","sids":[null]`)))
	a.want("unlock", please, said("error", "not_locked", please))
	a.want("unlock", `"`+id+`"`, said("error", "not_locked", `"`+id+`"`))
	a.want("forceUnlock", please, said("ok", "unlock", `{"resource":`+resource+`,"resourceID":"`+id+`"}`))
	a.want("forceUnlock", `"x"`, said("ok", "unlock", `{"resourceID":"x"}`))
	a.want("lockTable", "", "{}")

	a.want("lock", with(`"userName":"Ann","n":1,"realm":"x","client_id":"y","sids":["z"]`),
		said("ok", "locked", held(`"userName":"Ann","n":1`, "ann", `"§1"`)), both...)
	b.want("lock", please, said("error", "locked", held(`"n":1,"userName":"Ann"`, "ann", `"§1"`)), both...)
	a.want("lock", with(`"n":2,"m":"<&>"`), said("ok", "already", held(`"n":1,"userName":"Ann"`, "ann", `"§1"`)), both...)
	merged := `"m":"<&>","n":2,"userName":"Ann"`
	a.want("isLock", please, said("ok", "locked", held(merged, "ann", `"§1"`)), both...)
	b.want("isLock", please, said("ok", "locked", held(merged, "ann", `"§1"`)), both...)
	b.want("unlock", please, said("error", "locked", held(merged, "ann", `"§1"`)), both...)
	b.want("unlock", `"`+id+`"`, said("error", "locked", held(merged, "ann", `"§1"`)), both...)
	for _, own := range []string{"", "null", `""`, `"r"`} {
		b.want("lockTable", own, `{"r":{"`+id+`":`+held(merged, "ann", `"§1"`)+`}}`, both...)
	}
	b.want("lockTable", `"other"`, "{}")
	a.want("unlock", please, said("ok", "unlock", held(merged, "ann", ``)))
	b.want("lock", please, said("ok", "locked", held("", "bob", `"§2"`)), both...)
	a.want("forceUnlock", please, said("ok", "unlock", held("", "bob", `"§2"`)), both...)
	a.want("isLock", please, said("ok", "free", please))
}

func TestWhatMakesNoSenseIsAnsweredAndDoesNothing(t *testing.T) {
	d := alone(t)
	a := d.tab("ann")
	large := `{"resource":1,"details":{"x":"` + strings.Repeat("x", 5000) + `"}}`
	for _, c := range []struct{ event, arg string }{
		{"lock", ""}, {"lock", "null"}, {"lock", "7"}, {"lock", "[]"}, {"lock", "{}"}, {"lock", `"` + id + `"`},
		{"lock", `{"resource":1,"details":[]}`}, {"lock", `{"resource":1,"details":"x"}`}, {"lock", large},
		{"isLock", ""}, {"isLock", "{}"}, {"isLock", `"x"`}, {"unlock", ""}, {"unlock", "{}"}, {"unlock", `""`}, {"unlock", "1"},
		{"forceUnlock", ""}, {"forceUnlock", "null"}, {"forceUnlock", `""`}, {"lockTable", "7"}, {"lockTable", "{}"}, {"lockTable", "false"},
	} {
		var args []string
		want := "null"
		if c.arg != "" {
			args, want = []string{c.arg}, c.arg
		}
		got := a.ask(c.event, args...)
		if !strings.HasPrefix(got, `{"result":"error","status":"error","data":`+want+`,"message":"`) {
			t.Errorf("%s %.50s: %.300s", c.event, c.arg, got)
		}
	}
	if got := a.ask("lock", large); !strings.Contains(got, "details: with the resource, ") || !strings.Contains(got, "bytes, at most 4096") || strings.Contains(got, "meta") {
		t.Error(got)
	}
	a.want("lockTable", "", "{}")
}

func TestResourcesAreNamedByTheirHash(t *testing.T) {
	d := alone(t)
	a := d.tab("ann")
	for resource, id := range map[string]string{
		`null`: "109085beaaa80ac89858b283a64f7c75d7e5bb12", `"x"`: "7d2e6e807bd49a20ad5cd678597d7f7ed2b03e40",
		`{"entity":"orders","entityID":42}`: "987bb7d292b36c5ed6cca300ca854bd26e44c78c",
		`{"a":1.50}`:                        "9997aec89d039a3bf499ef84fbd77d7d841f4fe0",
	} {
		a.want("lock", `{"resource":`+resource+`}`, said("ok", "locked",
			`{"resource":`+resource+`,"details":{"realm":"r","client_id":"ann","sids":["§1"]},"resourceID":"`+id+`"}`), a)
	}
}

func TestASocketThatDoesNotSayWhoseItIs(t *testing.T) {
	d := alone(t)
	a := d.dial(url.Values{})
	got := a.ask("lock", please)
	if want := `"realm":"undefined","client_id":"` + a.sid + `","sids":["` + a.sid + `"]`; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	for _, query := range []url.Values{{"realm": {strings.Repeat("r", 65)}}, {"client_id": {strings.Repeat("c", 129)}}, {"realm": {"\xff"}}} {
		if _, refusal := d.try(query); !strings.HasPrefix(refusal, `44{"message":"`) {
			t.Errorf("%v: %q", query, refusal)
		}
	}
}

// Three tabs hold a lock, and close one after the other in every order and in every
// way: it is held until the last is gone.
func TestTheLockGoesWithTheLastTab(t *testing.T) {
	s := clienttest.New(t)
	one, two := open(t, s.Conn(), gateway.Limits{}, locker.Config{}), open(t, s.Conn(), gateway.Limits{}, locker.Config{})
	ways := map[string]func(*tab){
		"unlock": func(tb *tab) { tb.ask("unlock", please) }, "leave": (*tab).leave, "kill": (*tab).kill,
	}
	other := two.tab("other")
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		for way, end := range ways {
			t.Run(fmt.Sprint(order, way), func(t *testing.T) {
				other.t = t
				doors := []*door{{t: t, url: one.url}, {t: t, url: two.url}, {t: t, url: one.url}}
				var tabs []*tab
				for _, d := range doors {
					tb := d.tab("ann")
					tb.ask("lock", please)
					tabs = append(tabs, tb)
				}
				other.want("isLock", please, said("ok", "locked", held("", "ann", `"§1","§2","§3"`)), tabs...)
				left := slices.Clone(tabs)
				for n, i := range order {
					end(tabs[i])
					left = slices.DeleteFunc(left, func(tb *tab) bool { return tb == tabs[i] })
					if n == 2 {
						other.until("isLock", please, `"free"`)
						break
					}
					var sids []string
					for _, tb := range left {
						sids = append(sids, `"`+tb.sid+`"`)
					}
					other.until("lock", please, `"error","status":"locked","data":`+held("", "ann", strings.Join(sids, ",")))
				}
			})
		}
	}
}

// Tabs that lock at the same time have all that each of them knows of the lock.
func TestTabsThatLockTogetherMergeTheirDetails(t *testing.T) {
	d := alone(t)
	var tabs []*tab
	for range 4 {
		tabs = append(tabs, d.tab("ann"))
	}
	for round := range 10 {
		thing := fmt.Sprintf(`{"resource":%d`, round)
		for i, tb := range tabs {
			tb.write(fmt.Sprintf(`42["lock",%s,"details":{"tab%d":%d}}]`, thing, i, i))
		}
		for _, tb := range tabs {
			if got := tb.read(); !strings.Contains(got, `"result":"ok"`) {
				t.Fatal(got)
			}
		}
		got := tabs[0].ask("isLock", thing+"}")
		for i, tb := range tabs {
			if !strings.Contains(got, fmt.Sprintf(`"tab%d":%d`, i, i)) || !strings.Contains(got, tb.sid) {
				t.Errorf("round %d: without tab %d: %s", round, i, got)
			}
		}
	}
}

func TestATabThatHasNoPartUnlocksNothing(t *testing.T) {
	d := alone(t)
	a, second, third := d.tab("ann"), d.tab("ann"), d.tab("ann")
	a.ask("lock", please)
	second.want("unlock", please, said("ok", "locked", held("", "ann", `"§1"`)), a)
	third.ask("lock", `{"resource":"x"}`)
	third.want("unlock", please, said("ok", "locked", held("", "ann", `"§1"`)), a)
	third.want("lock", please, said("ok", "already", held("", "ann", `"§1","§2"`)), a, third)
	a.want("unlock", please, said("ok", "locked", held("", "ann", `"§1"`)), third)
	third.want("unlock", `"`+id+`"`, said("ok", "unlock", held("", "ann", "")))
}

func TestALockEndsWithItsTTL(t *testing.T) {
	d := open(t, clienttest.New(t).Conn(), gateway.Limits{}, locker.Config{TTL: 50 * time.Millisecond})
	a, b := d.tab("ann"), d.tab("bob")
	a.ask("lock", please)
	b.until("lock", please, `"result":"ok","status":"locked"`)
}

func TestAfterAStopThoseWhoComeBackFindWhatTheyHeld(t *testing.T) {
	s := clienttest.New(t)
	one, two := open(t, s.Conn(), gateway.Limits{}, locker.Config{Grace: time.Hour}), open(t, s.Conn(), gateway.Limits{}, locker.Config{})
	a, b := one.tab("ann"), one.tab("bob")
	a.ask("lock", please)
	b.ask("lock", `{"resource":"x"}`)
	b.kill() // is in its grace
	go a.listen()
	one.stop()
	back := two.tab("ann")
	back.want("lock", please, said("ok", "already", held("", "ann", `"§1","§2"`)), a, back)
	back.until("lock", `{"resource":"x"}`, `"error","status":"locked"`)
}

func TestASocketThatIsLostHasItsGrace(t *testing.T) {
	d := open(t, clienttest.New(t).Conn(), gateway.Limits{}, locker.Config{Grace: 100 * time.Millisecond})
	lost, left, other := d.tab("ann"), d.tab("bob"), d.tab("other")
	lost.ask("lock", please)
	left.ask("lock", `{"resource":"x"}`)
	lost.kill()
	back := d.tab("ann")
	back.want("lock", please, said("ok", "already", held("", "ann", `"§1","§2"`)), lost, back)
	left.leave()
	other.until("lock", `{"resource":"x"}`, `"ok","status":"locked"`)
	other.until("isLock", please, `"sids":["`+back.sid+`"]`)
}

func TestWatch(t *testing.T) {
	s := clienttest.New(t)
	d := open(t, s.Conn(), gateway.Limits{}, locker.Config{})
	a, b, w := d.tab("ann"), d.tab("bob"), d.tab("watcher")
	a.ask("lock", please)
	for range 2 {
		w.want("watch", "", said("ok", "watch", `{"realm":"r"}`))
	}
	next := func(typ, record string) {
		t.Helper()
		got := ""
		if len(w.events) > 0 {
			got, w.events = w.events[0], w.events[1:]
		} else {
			got = w.read()
		}
		resourced, _, _ := strings.Cut(strings.TrimPrefix(record, "{"), `,"resourceID"`)
		if want := `42["lockEvent",{"type":"` + typ + `","resourceID":"` + id + `",` + resourced + `}]`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	a.ask("unlock", please)
	next("released", held("", "ann", `"`+a.sid+`"`))
	b.ask("lock", `{"resource":`+resource+`,"details":{"n":1}}`)
	next("granted", held(`"n":1`, "bob", `"`+b.sid+`"`))
	a.ask("forceUnlock", please)
	next("forced", held(`"n":1`, "bob", `"`+b.sid+`"`))

	native := s.Client(&client.Options{Realm: "r", Label: "native"})
	l, err := native.TryAcquire(t.Context(), "its own")
	if err != nil {
		t.Fatal(err)
	}
	if got := w.read(); !strings.HasPrefix(got, `42["lockEvent",{"type":"granted","resourceID":"its own","resource":null,"details":{"realm":"r",`) {
		t.Error(got)
	}
	a.until("lockTable", `"r"`, `"its own":{"resource":null,`)
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestBeyondALimit(t *testing.T) {
	s := clienttest.New(t)
	d := open(t, s.Conn(), gateway.Limits{Connections: 1, Requests: 1}, locker.Config{})
	a := d.tab("ann")
	response, err := http.Get(d.http.URL + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Error(response.Status)
	}
	d.wantRefused(map[gateway.Limit]float64{gateway.LimitConnections: 1})
	s.StopWorker()
	a.write(`42["lock",` + please + `]`) // is not answered while nobody decides
	if got := a.ask("isLock", please); !strings.Contains(got, `"message":"requests: more than 1 at the same time`) {
		t.Error(got)
	}
	s.StartWorker()
	if got := a.read(); !strings.HasPrefix(got, `42["lock",{"result":"ok","status":"locked"`) {
		t.Error(got)
	}
	a.write(`42["lock","` + strings.Repeat("x", 1_000_000) + `"]`)
	for d.server.Connections() > 0 { // the client knows of the end before
		time.Sleep(time.Millisecond)
	}
	d.stop() // when all that it was is over
	d.wantRefused(map[gateway.Limit]float64{gateway.LimitConnections: 1, gateway.LimitRequests: 1, gateway.LimitSize: 1})
}

func TestAPageThatMayNotConnectIsToldToTheOperator(t *testing.T) {
	var log gatewaytest.Log
	d := open(t, clienttest.New(t).Conn(), gateway.Limits{}, locker.Config{Logger: log.Logger(), Origins: []string{"https://good.example"}})
	for _, origin := range []string{"https://good.example", "https://bad.example"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, d.http.URL+"/socket.io/?EIO=4&transport=polling", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		told := strings.Contains(log.String(), "door=socketio") && strings.Contains(log.String(), "bad.example") && strings.Contains(log.String(), "--http-origin")
		if refused := string(body) == `{"code":4,"message":"Forbidden"}`+"\n"; refused != (origin == "https://bad.example") || told != refused {
			t.Errorf("%s: %s %s, and the log says %q", origin, response.Status, body, log.String())
		}
	}
	if n := d.denied(); n != 1 {
		t.Errorf("%v denied", n)
	}
}

func TestNobodyIsLetInWhileItStops(t *testing.T) {
	d := alone(t)
	d.gateway.Drain()
	response, err := http.Get(d.http.URL + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Error(response.Status)
	}
}

func TestATableOfManyLocksIsWhole(t *testing.T) {
	d := alone(t)
	a := d.tab("ann")
	a.conn.SetReadLimit(4 << 20)
	const locks = 200
	details := strings.Repeat("x", 3900)
	for i := range locks {
		a.ask("lock", fmt.Sprintf(`{"resource":%d,"details":{"x":"%s"}}`, i, details))
	}
	table := a.ask("lockTable") // in pages from the service
	if n := strings.Count(table, `"resourceID":`); n != locks || len(table) < 700_000 {
		t.Errorf("%d locks, %d bytes", n, len(table))
	}
}
