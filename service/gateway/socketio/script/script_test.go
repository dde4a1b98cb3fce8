package script_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/natslock/natslock/service/gateway/socketio/script"
)

// get asks for a file with some headers.
func get(t *testing.T, path string, headers map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	pages, err := script.Pages()
	if err != nil {
		t.Fatal(err)
	}
	if pages[path] == nil {
		t.Fatalf("nothing is at %s", path)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	pages[path].ServeHTTP(w, r)
	return w
}

const whole = "/socket.io/socket.io.js"

func TestTheFilesOfTheServerOfNpmAreThere(t *testing.T) {
	for _, name := range []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js"} {
		w := get(t, "/socket.io/"+name, nil)
		if text := w.Body.String(); w.Code != 200 || !strings.Contains(text, "Socket.IO v"+script.Version+"\n") || !strings.HasSuffix(strings.TrimSpace(text), "sourceMappingURL="+name+".map") {
			t.Errorf("%s: %d, %d bytes", name, w.Code, w.Body.Len())
		}
		for header, want := range map[string]string{
			"Content-Type": "application/javascript; charset=utf-8", "Cache-Control": "public, max-age=0", "ETag": `"` + script.Version + `"`,
			"Content-Encoding": "", "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff",
		} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("%s: %s: %q", name, header, got)
			}
		}
		m := get(t, "/socket.io/"+name+".map", nil)
		if m.Header().Get("Content-Type") != "application/json; charset=utf-8" || !strings.HasPrefix(m.Body.String(), `{"version":3`) {
			t.Errorf("%s.map: %v", name, m.Header())
		}
	}
}

func TestABrowserThatUnpacksIsSentLess(t *testing.T) {
	plain := get(t, whole, nil).Body.String()
	for accept, packed := range map[string]bool{
		"gzip": true, "br, GZIP;q=0.5": true, "deflate, gzip": true, "": false, "br": false, "gzip;q=0": false, "gzip; q=0.0": false, "gzip;q=x": false, "xgzip": false,
	} {
		w := get(t, whole, map[string]string{"Accept-Encoding": accept})
		text := w.Body.String()
		if is := w.Header().Get("Content-Encoding") == "gzip"; is != packed {
			t.Errorf("%q: packed: %v", accept, is)
			continue
		}
		if packed {
			unpacked, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			all, err := io.ReadAll(unpacked)
			if err != nil {
				t.Fatal(err)
			}
			text = string(all)
		}
		if text != plain {
			t.Errorf("%q: another text", accept)
		}
	}
}

func TestWhatABrowserHasIsNotSentAgain(t *testing.T) {
	for match, code := range map[string]int{
		`"4.8.4"`: 304, `W/"4.8.4"`: 304, `"x", W/"4.8.4"`: 304, "*": 304, `"4.8.1"`: 200, "4.8.4": 200, "": 200,
	} {
		w := get(t, whole, map[string]string{"If-None-Match": match})
		if w.Code != code || (w.Body.Len() > 0) != (code == 200) || w.Header().Get("ETag") != `"4.8.4"` {
			t.Errorf("%q: %d, %d bytes, %v", match, w.Code, w.Body.Len(), w.Header())
		}
	}
}
