package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

const asJSON, asForm = "application/json", "application/x-www-form-urlencoded"

// post makes one of the compatible calls.
func (d *door) post(path, contentType, body string) answer {
	d.t.Helper()
	return d.call("POST", path, body, "Content-Type", contentType)
}

// tokens are those of a grant, in JSON; both shapes must have them.
func (a answer) tokens(t *testing.T) string {
	t.Helper()
	var got struct {
		Tokens json.RawMessage
		Error  *string
		Lock   struct {
			Tokens json.RawMessage
			Error  *string
		}
	}
	if err := json.Unmarshal([]byte(a.text), &got); err != nil || a.code != 200 || string(got.Tokens) != string(got.Lock.Tokens) || got.Tokens == nil || got.Error != nil || got.Lock.Error != nil {
		t.Fatalf("%d %s: %v", a.code, a.text, err)
	}
	return string(got.Tokens)
}

const locked = `{"error":"locked","lock":{"error":"locked"}}`

func TestTheOlderCalls(t *testing.T) {
	for _, prefix := range []string{"", "/api"} {
		d := open(t, gateway.Limits{}, httpapi.Config{Realm: "older"})
		tokens := d.post(prefix+"/lock", asJSON, `{"uid":"u","keys":["b","a","b"],"exp":60000}`).tokens(t)
		var list []struct {
			Key     string
			Version uint64
		}
		if err := json.Unmarshal([]byte(tokens), &list); err != nil || len(list) != 2 || list[0].Key != "b" || list[1].Key != "a" || list[0].Version == list[1].Version {
			t.Fatal(tokens, err)
		}
		if again := d.post(prefix+"/lock", asJSON, `{"uid":"u","keys":["b","a"],"exp":60000}`).tokens(t); again != tokens {
			t.Errorf("%s, then %s", tokens, again)
		}
		if a := d.post(prefix+"/lock", asJSON, `{"uid":"v","keys":["c","a"]}`); a.code != 200 || a.text != locked {
			t.Errorf("%+v", a)
		}
		if a := d.post(prefix+"/check", asJSON, `{"keys":"c"}`); a.code != 200 || a.text != `{"locked":false}` {
			t.Errorf("all or none: %+v", a)
		}
		if a := d.post(prefix+"/check", asJSON, `{"keys":["c","a"]}`); a.code != 200 || a.text != `{"locked":true}` {
			t.Errorf("%+v", a)
		}
		if a := d.call("GET", "/v1/realms/older/locks", "").want(t, 200, "ok"); len(a.fields["locks"].([]any)) != 2 {
			t.Error(a.text)
		}
		pair := `{"key":"none","version":1}`
		for body, want := range map[string]string{
			`{"uid":"u","keys":[` + strings.Repeat(pair+",", 99) + pair + `]}`: `[]`, // once
			`{"uid":"v","tokens":` + tokens + `}`:                              `[]`, // somebody else
			`{"uid":"u","tokens":[{"key":"a","version":9007199254740991}]}`:    `[]`, // forged
			`{"uid":"u","keys":[{"key":"a","version":1}]}`:                     `[]`,
			`{"uid":"u","keys":[{"key":"none","version":1.5}]}`:                `[]`,
			`{"uid":"u","keys":[{"key":"none","version":1e300}], "tokens":0}`:  "",
		} {
			if a := d.post(prefix+"/unlock", asJSON, body); want != "" && (a.code != 200 || a.text != `{"unlocked":`+want+`}`) || want == "" && a.code != 400 {
				t.Errorf("%s: %+v", body, a)
			}
		}
		if a := d.post(prefix+"/unlock", asJSON, `{"uid":"u","keys":`+tokens+`}`); a.text != `{"unlocked":["b","a"]}` {
			t.Errorf("%+v", a)
		}
		if a := d.post(prefix+"/unlock", asJSON, `{"uid":"u","tokens":`+tokens+`}`); a.text != `{"unlocked":[]}` {
			t.Errorf("%+v", a)
		}
		if a := d.post(prefix+"/check", asJSON, `{"keys":["a","b","c"]}`); a.text != `{"locked":false}` {
			t.Errorf("%+v", a)
		}
	}
}

func TestTheOlderCallsTakeForms(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	both := url.Values{"uid": {"u"}, "keys": {"a", "b"}, "exp": {"60000"}}
	d.post("/lock", asForm, both.Encode()).tokens(t)
	d.post("/lock", asForm+"; charset=utf-8", "uid=u&keys=c").tokens(t)
	if a := d.post("/check", asForm, "keys=b&keys=x"); a.text != `{"locked":true}` {
		t.Errorf("%+v", a)
	}
	if a := d.post("/check", asForm, "{=1&keys=b"); a.text != `{"locked":true}` {
		t.Errorf("%+v", a)
	}
	if a := d.post("/lock", asForm, "uid=v&keys=b"); a.text != locked {
		t.Errorf("%+v", a)
	}
	if a := d.post("/unlock", asForm, "uid=u&keys=b"); a.code != 400 {
		t.Errorf("%+v", a)
	}
}

func TestWhatIsLockedElsewhereIsLocked(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	if _, err := d.locks.TryAcquire(t.Context(), "a", client.Shared()); err != nil {
		t.Fatal(err)
	}
	d.call("POST", lockPath+"b", `{"client":"u","owner":"u","mode":"shared"}`).want(t, 200, "granted")
	for _, key := range []string{"a", "b"} {
		if a := d.post("/lock", asJSON, `{"uid":"u","keys":"`+key+`"}`); a.code != 200 || a.text != locked {
			t.Errorf("%s: %+v", key, a)
		}
	}
}

func TestOlderLocksExpire(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{DefaultExpiry: 50 * time.Millisecond})
	d.post("/lock", asJSON, `{"uid":"u","keys":"a"}`).tokens(t)
	d.post("/lock", asJSON, `{"uid":"u","keys":"b","exp":0}`).tokens(t)
	d.post("/lock", asJSON, `{"uid":"u","keys":"c","exp":3.6e6}`).tokens(t)
	d.until("a", free)
	d.until("b", free)
	if h := d.state("c").Holders; len(h) != 1 || h[0].TTL != 3_600_000 || h[0].Client != "u" || h[0].Owner != "u" {
		t.Errorf("%+v", h)
	}
}

func TestWhatTheOlderCallsRefuse(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	many := make([]string, 65)
	pairs := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d"`, i)
		pairs[i] = fmt.Sprintf(`{"key":"k%d","version":1}`, i)
	}
	for _, c := range []struct{ path, contentType, body, message string }{
		{"/lock", asJSON, ``, "key `uid` is required"},
		{"/lock", asJSON, `null`, "key `uid` is required"},
		{"/lock", asJSON, `{"uid":"","keys":"a"}`, "key `uid` is required"},
		{"/lock", asJSON, `{"uid":7,"keys":"a"}`, "invalid key `uid`"},
		{"/lock", asJSON, `{"uid":"` + strings.Repeat("u", 129) + `","keys":"a"}`, "invalid key `uid`"},
		{"/lock", asJSON, `{"uid":"u","exp":"hello"}`, "key `keys` is required"},
		{"/lock", asJSON, `{"uid":"u","keys":[]}`, "key `keys` is required"},
		{"/lock", asJSON, `{"uid":"u","keys":[""]}`, "invalid key `keys`"},
		{"/lock", asJSON, `{"uid":"u","keys":[7]}`, "invalid key `keys`"},
		{"/lock", asJSON, `{"uid":"u","keys":{"a":1}}`, "invalid key `keys`"},
		{"/lock", asJSON, `{"uid":"u","keys":"` + strings.Repeat("k", 513) + `"}`, "invalid key `keys`"},
		{"/lock", asJSON, `{"uid":"u","keys":[` + strings.Join(many, ",") + `]}`, "at most 64"},
		{"/lock", asJSON, `{"uid":"u","keys":"a","exp":"hello"}`, "invalid key `exp`, should be a number"},
		{"/lock", asJSON, `{"uid":"u","keys":"a","exp":"5"}`, "invalid key `exp`, should be a number"},
		{"/lock", asJSON, `{"uid":"u","keys":"a","exp":true}`, "invalid key `exp`, should be a number"},
		{"/lock", asJSON, `{"uid":"u","keys":"a","exp":-1}`, "invalid key `exp`"},
		{"/lock", asJSON, `{"uid":"u","keys":"a","exp":1.5}`, "invalid key `exp`"},
		{"/lock", asJSON, `{"uid":"u","keys":"a","exp":86400001}`, "invalid key `exp`"},
		{"/lock", asForm, `uid=u&keys=a&exp=NaN`, "invalid key `exp`"},
		{"/lock", asForm, `uid=u&keys=a&exp=Inf`, "invalid key `exp`"},
		{"/lock", asForm, `uid=u&keys=%zz`, "not urlencoded"},
		{"/lock", asForm, `uid=u&keys=%ff`, "not valid UTF-8"},
		{"/lock", asForm, `{"uid":"u","keys":"a"}`, "the body is JSON, and said to be a form: send Content-Type: application/json"},
		{"/unlock", asForm, ` {"uid":"u","tokens":[]}`, "send Content-Type: application/json"},
		{"/check", asForm, `{"keys":"a"}`, "send Content-Type: application/json"},
		{"/lock", asJSON, `{"uid":"u"`, "no JSON object"},
		{"/lock", asJSON, `[]`, "no JSON object"},
		{"/lock", asJSON, `{} {}`, "goes on"},
		{"/lock", asJSON, "{\"uid\":\"\xff\"}", "not valid UTF-8"},
		{"/unlock", asJSON, `{}`, "key `uid` is required"},
		{"/unlock", asJSON, `{"uid":"u"}`, "key `keys` is required"},
		{"/unlock", asJSON, `{"uid":"u","tokens":[]}`, "key `tokens` is required, and should not be empty"},
		{"/unlock", asJSON, `{"uid":"u","keys":[]}`, "key `keys` is required"},
		{"/unlock", asJSON, `{"uid":"u","tokens":["a"]}`, "key `tokens` should be an array of objects"},
		{"/unlock", asJSON, `{"uid":"u","keys":"a"}`, "should be an array of objects"},
		{"/unlock", asJSON, `{"uid":"u","keys":["a"]}`, "should be an array of objects"},
		{"/unlock", asJSON, `{"uid":"u","keys":[{"key":"a"}]}`, "should be an array of objects"},
		{"/unlock", asJSON, `{"uid":"u","keys":[{"key":"a","version":"1"}]}`, "should be an array of objects"},
		{"/unlock", asJSON, `{"uid":"u","keys":[` + strings.Join(pairs, ",") + `]}`, "at most 64"},
		{"/check", asJSON, `{}`, "key `keys` is required"},
	} {
		a := d.post(c.path, c.contentType, c.body)
		message, _ := a.fields["message"].(string)
		if a.code != 400 || a.fields["name"] != "HandleError" || a.fields["type"] != "BAD_REQUEST" || !strings.Contains(message, c.message) {
			t.Errorf("%s %.60s: %d %s, want %q", c.path, c.body, a.code, a.text, c.message)
		}
	}
}

func TestPing(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	if a := d.call("GET", "/ping", ""); a.code != 200 || a.text != "pong" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("%+v", a)
	}
}
