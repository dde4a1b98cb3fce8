package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

func TestALockIsTakenAndGivenBack(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	path := lockPath + "a%2Fb"
	granted := d.call("POST", path, `{"ttl_ms":60000}`).want(t, 200, "granted")
	if granted.fields["name"] != "a/b" || granted.fields["ttl_ms"] != 60000.0 || granted.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", granted)
	}
	held := d.call("POST", path, "").want(t, 409, "held")
	if holders := held.fields["holders"].([]any); len(holders) != 1 || holders[0].(map[string]any)["client"] != "http" {
		t.Errorf("%s", held.text)
	}
	d.call("DELETE", path+"?token="+granted.token(t), "").want(t, 200, "released")
	d.call("DELETE", path+"?token="+granted.token(t), "").want(t, 410, "not_held")
}

func TestEveryNativeCall(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	a := d.call("POST", lockPath+"a", `{"name":"a","client":"ann","owner":"o","meta":{"why":"test"}}`).want(t, 200, "granted")
	d.call("POST", lockPath+"a", `{"client":"ann","owner":"o"}`).want(t, 200, "already")
	d.call("POST", lockPath+"a", `{"mode":"shared"}`).want(t, 409, "held")
	d.call("POST", lockPath+"a", `{"client":"ann","owner":"o","mode":"shared"}`).want(t, 409, "size_mismatch")
	d.call("POST", lockPath+"a", `{"wait_ms":1}`).want(t, 409, "timeout")
	d.call("PATCH", lockPath+"a", `{"token":`+a.token(t)+`,"ttl_ms":5000}`).want(t, 200, "renewed")
	d.call("PATCH", lockPath+"a", `{"token":1}`).want(t, 410, "not_held")
	if got := d.call("GET", lockPath+"a", "").want(t, 200, "ok"); !strings.Contains(got.text, `"meta":{"why":"test"}`) {
		t.Error(got.text)
	}
	d.call("POST", "/v1/realms/default/locks", `{"names":["b","c"]}`).want(t, 200, "granted")
	d.call("POST", "/v1/realms/default/locks", `{"names":["d","c"]}`).want(t, 409, "held")
	first := d.call("GET", "/v1/realms/default/locks?limit=2", "").want(t, 200, "ok")
	if len(first.fields["locks"].([]any)) != 2 || first.fields["cursor"] == nil {
		t.Error(first.text)
	}
	rest := d.call("GET", "/v1/realms/default/locks?limit=2&cursor="+first.fields["cursor"].(string), "").want(t, 200, "ok")
	if len(rest.fields["locks"].([]any)) != 1 || rest.fields["cursor"] != nil {
		t.Error(rest.text)
	}
	if other := d.call("GET", "/v1/realms/other/locks?prefix=a", "").want(t, 200, "ok"); len(other.fields["locks"].([]any)) != 0 {
		t.Error(other.text)
	}
	d.call("DELETE", lockPath+"a?client=bob&owner=o", "").want(t, 410, "not_held")
	d.call("DELETE", lockPath+"a?client=ann&owner=o", "").want(t, 200, "released")
	d.call("POST", lockPath+"b/force", `{"reason":"test"}`).want(t, 200, "released")
	d.call("POST", lockPath+"b/force", "").want(t, 410, "not_held")
	if got := d.call("HEAD", lockPath+"c", ""); got.code != 200 || got.text != "" {
		t.Errorf("%v", got)
	}
}

func TestCallersWithoutAClientAreOne(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	d.call("POST", lockPath+"a", `{"owner":"o"}`).want(t, 200, "granted")
	d.call("POST", lockPath+"a", `{"owner":"o"}`).want(t, 200, "already")
	d.call("DELETE", lockPath+"a?owner=o", "").want(t, 200, "released")
}

func TestFieldsThatAreIgnoredAreMentioned(t *testing.T) {
	var log gatewaytest.Log
	d := open(t, gateway.Limits{}, httpapi.Config{Logger: log.Logger()})
	d.call("POST", lockPath+"a", `{"ttl_ms":60000}`).want(t, 200, "granted")
	if said := log.String(); strings.Contains(said, "not known") {
		t.Error(said)
	}
	d.call("POST", lockPath+"b", `{"ttl":5,"owner":"o","Mode":"shared"}`).want(t, 200, "granted")
	if said := log.String(); !strings.Contains(said, `method=POST path=`+lockPath+`b fields="[ttl Mode]"`) {
		t.Error(said)
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	const realm = "/v1/realms/default/locks"
	for _, c := range []struct {
		method, path, body string
		code               int
		says               string
	}{
		{"POST", lockPath + "a", `{"name":"b"}`, 400, "another than that of the path"},
		{"POST", lockPath + "a", `{"names":["b"]}`, 400, "the path has the name"},
		{"POST", lockPath + "a", `{"session":"s"}`, 400, "session: not over HTTP"},
		{"POST", lockPath + "a", `{"wait_ms":-1}`, 400, "-1 needs a session"},
		{"POST", lockPath + "a", `{"ttl_ms":0}`, 400, "0 needs a session"},
		{"POST", lockPath + "a", `{"ttl_ms":9}`, 400, "ttl_ms: want"},
		{"POST", lockPath + "a", `{"request":"r"}`, 400, "needs a client"},
		{"POST", lockPath + "a", `{"mode":7}`, 400, "want a string"},
		{"POST", lockPath + "a", `{`, 400, "body"},
		{"POST", lockPath + "a", `{} {}`, 400, "after its end"},
		{"POST", lockPath + "a", `[]`, 400, "want an object"},
		{"POST", lockPath + "a", "\xff", 400, "body"},
		{"POST", lockPath + "%ff", "", 400, "not valid UTF-8"},
		{"POST", lockPath + strings.Repeat("n", 513), "", 400, "at most 512"},
		{"POST", "/v1/realms/" + strings.Repeat("r", 65) + "/locks/a", "", 400, "realm: 65 bytes"},
		{"GET", "/v1/realms/%ff/locks", "", 400, "realm: not valid UTF-8"},
		{"GET", "/v1/realms/%ff/events", "", 400, "realm: not valid UTF-8"},
		{"POST", realm, `{"name":"a"}`, 400, "names: required"},
		{"POST", realm, `{"names":["a","a"]}`, 400, "the same as"},
		{"DELETE", lockPath + "a", `{"token":1}`, 400, "token: required in the query"},
		{"DELETE", lockPath + "a?token=0", "", 400, "above 0"},
		{"DELETE", lockPath + "a?token=1&owner=o", "", 400, "not both"},
		{"PATCH", lockPath + "a", `{"token":1,"session":"s"}`, 400, "session: not over HTTP"},
		{"POST", lockPath + "a/force", `{"session":"s"}`, 400, "session: not over HTTP"},
		{"DELETE", lockPath + "a?token=1&session=s", "", 400, "session: not over HTTP"},
		{"DELETE", lockPath + "a?token=%zz", "", 400, "query: "},
		{"DELETE", lockPath + "a?token=9007199254740992", "", 400, "token: "},
		{"PATCH", lockPath + "a?token=1", ``, 400, "token: required in the body"},
		{"PATCH", lockPath + "a", `{"token":0}`, 400, "token: "},
		{"PATCH", lockPath + "a", `{"token":1,"name":"b"}`, 400, "another than that of the path"},
		{"POST", lockPath + "a/force", `{"reason":"` + strings.Repeat("r", 513) + `"}`, 400, "reason: "},
		{"GET", realm + "?limit=0", "", 400, "limit: "},
		{"GET", realm + "?limit=x", "", 400, "limit: "},
		{"GET", realm + "?cursor=none", "", 400, "cursor: "},
		{"POST", lockPath, "", 404, "path: "},
		{"POST", lockPath + "a/b", "", 404, "written %2F"},
		{"GET", "//v1/realms", "", 404, "path: "},
		{"GET", "/", "", 404, "path: "},
		{"GET", "/api/ping", "", 404, "/ping is not below /api"},
		{"GET", "/api" + lockPath + "a%2Fb", "", 404, lockPath + "a%2Fb is not below /api"},
		{"GET", "/api/nothing", "", 404, "path: nothing is there; a / in a name"},
		{"GET", "/metrics", "", 404, "no metrics here"},
		{"PUT", lockPath + "a", "", 405, "method: "},
		{"GET", "/lock", "", 405, "method: "},
		{"POST", lockPath + "a", strings.Repeat(" ", 64<<10+1), 413, "more than 65536 bytes"},
	} {
		got := d.call(c.method, c.path, c.body).want(t, c.code, "invalid")
		if !strings.Contains(got.fields["message"].(string), c.says) {
			t.Errorf("%s %.80s %.80s: %s, want %q", c.method, c.path, c.body, got.text, c.says)
		}
		if allow := got.header.Get("Allow"); (c.code == 405) != (allow != "") {
			t.Errorf("%s %s: Allow %q", c.method, c.path, allow)
		}
	}
	meta := `{"meta":{"a":"` + strings.Repeat("x", 4<<10) + `"}}`
	d.call("POST", lockPath+"a", meta).want(t, http.StatusTooManyRequests, "limit")
}
