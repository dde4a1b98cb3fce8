package console_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway/console"
)

// get asks for a path as a browser from an address does.
func get(t *testing.T, cfg console.Config, path, from string, with func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	pages, err := console.Pages(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.RemoteAddr = from
	if with != nil {
		with(r)
	}
	if pages[path] == nil {
		w.Code = http.StatusNotFound
		return w
	}
	pages[path].ServeHTTP(w, r)
	return w
}

const (
	here = "127.0.0.1:5000"
	far  = "192.0.2.7:5000"
)

var closed = console.Config{User: "ann", Password: "pass:wörd"}

func as(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func TestWithoutCredentialsTheConsoleIsForTheSameMachine(t *testing.T) {
	for from, want := range map[string]int{
		here: 200, "127.8.9.1:1": 200, "[::1]:5000": 200, "[::ffff:127.0.0.1]:5": 200,
		far: 403, "[2001:db8::1]:5000": 403, "@": 403, "": 403,
	} {
		for _, path := range []string{"/console", "/console/app.js"} {
			if w := get(t, console.Config{}, path, from, nil); w.Code != want {
				t.Errorf("%s from %q: %d, want %d", path, from, w.Code, want)
			}
		}
	}
	if w := get(t, console.Config{}, "/test", here, nil); w.Code != 404 {
		t.Errorf("/test: %d", w.Code)
	}
	if w := get(t, console.Config{}, "/console", far, as("", "")); !strings.Contains(w.Body.String(), "NATSLOCK_AUTH_USER") {
		t.Errorf("it does not say what to do: %s", w.Body)
	}
}

func TestAProxyOnTheSameMachineIsSomebodyElse(t *testing.T) {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"} {
		w := get(t, console.Config{}, "/console", here, func(r *http.Request) { r.Header.Set(name, "x") })
		if w.Code != 403 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestCredentialsAreAskedForEverywhere(t *testing.T) {
	for _, path := range []string{"/console", "/test", "/console/app.js", "/console/style.css"} {
		for _, from := range []string{here, far} {
			for _, wrong := range []func(*http.Request){
				nil, as("ann", "no"), as("bob", "pass:wörd"), as("", ""), as("ann", ""), as("ann", "pass:wörd "),
				func(r *http.Request) { r.Header.Set("Authorization", "Bearer ann") },
			} {
				w := get(t, closed, path, from, wrong)
				if w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") || !strings.HasPrefix(w.Body.String(), `{"status":"denied","message":"`) {
					t.Errorf("%s from %s: %d %s", path, from, w.Code, w.Body)
				}
			}
			if w := get(t, closed, path, from, as("ann", "pass:wörd")); w.Code != 200 {
				t.Errorf("%s from %s: %d", path, from, w.Code)
			}
		}
	}
}

func TestCredentialsAreBothOrNone(t *testing.T) {
	for _, half := range []console.Config{{User: "ann"}, {Password: "x"}} {
		if _, err := console.Pages(half); err == nil {
			t.Errorf("%+v is let pass", half)
		}
	}
}

func TestThePageMayOnlyUseWhatIsServedHere(t *testing.T) {
	for _, cfg := range []console.Config{{}, closed} { // also of the answers of the guard
		header := get(t, cfg, "/console", here, nil).Header()
		policy := header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") ||
			!strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "base-uri 'none'") {
			t.Errorf("%s", policy)
		}
		if header.Get("X-Frame-Options") != "DENY" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%v", header)
		}
	}
}

// What the files name is there, as what it is, and nothing is inline or elsewhere.
func TestFilesAreWhole(t *testing.T) {
	files, err := os.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	used := regexp.MustCompile(`(?:src|href)="(/[^"]*)"|(?:from|import|URL\()\s*"(\./[^"]*)"`)
	banned := regexp.MustCompile(`(?i)<script>|<style|\sstyle="|\son[a-z]+="|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://[^w]`)
	for _, f := range files {
		text, err := os.ReadFile("static/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		path := "/console/" + f.Name()
		if f.Name() == "index.html" {
			path = "/console"
		}
		w := get(t, console.Config{}, path, here, nil)
		kind := f.Name()[strings.LastIndex(f.Name(), ".")+1:]
		if w.Code != 200 || w.Body.String() != string(text) || w.Header().Get("Content-Type") != kinds[kind] {
			t.Errorf("%s: %d, %v", path, w.Code, w.Header())
		}
		if found := banned.Find(text); found != nil {
			t.Errorf("%s has %q", f.Name(), found)
		}
		for _, m := range used.FindAllStringSubmatch(string(text), -1) {
			target := m[1]
			if target == "" {
				target = "/console/" + strings.TrimPrefix(m[2], "./")
			}
			if w := get(t, console.Config{}, target, here, nil); w.Code != 200 {
				t.Errorf("%s uses %s: %d", f.Name(), target, w.Code)
			}
		}
	}
}

// What a person may type is as long as the protocol has it.
func TestInputsTakeWhatTheProtocolTakes(t *testing.T) {
	page, err := os.ReadFile("static/index.html")
	if err != nil {
		t.Fatal(err)
	}
	bounds := map[string]int{}
	for _, m := range regexp.MustCompile(`<input [^>]*name="(\w+)"[^>]* data-bytes="(\d+)"`).FindAllStringSubmatch(string(page), -1) {
		bounds[m[1]], _ = strconv.Atoi(m[2])
	}
	want := map[string]int{"realm": schema.MaxRealm, "name": schema.MaxName, "client": schema.MaxClient, "reason": schema.MaxReason}
	if !maps.Equal(bounds, want) || strings.Contains(string(page), "maxlength") {
		t.Errorf("%v, want %v, and no maxlength, which counts otherwise", bounds, want)
	}
}
