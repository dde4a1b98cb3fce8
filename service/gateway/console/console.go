package console

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strconv"

	"github.com/natslock/natslock/schema"
)

// Config says who sees the console. With the zero Config that is who is on the same
// machine.
type Config struct {
	User, Password string // both or none
}

// Check returns what is wrong with a Config.
func (c Config) Check() error {
	if (c.User == "") != (c.Password == "") {
		return errors.New("a user needs a password, and a password a user")
	}
	return nil
}

// The paths of the page.
const (
	Path     = "/console"
	TestPath = "/test" // with credentials only
)

// kinds are the content types, which a machine may have other ideas of.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

//go:embed static
var static embed.FS

// Pages returns what is to be served, by its paths.
func Pages(cfg Config) (map[string]http.Handler, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	files, err := fs.ReadDir(static, "static")
	if err != nil {
		return nil, err
	}
	g := newGuard(cfg)
	pages := make(map[string]http.Handler, len(files)+1)
	for _, f := range files {
		body, err := fs.ReadFile(static, "static/"+f.Name())
		if err != nil {
			return nil, err
		}
		p := g.before(page{kinds[path.Ext(f.Name())], body})
		if f.Name() != "index.html" {
			pages[Path+"/"+f.Name()] = p
			continue
		}
		pages[Path] = p
		if g.closed {
			pages[TestPath] = p
		}
	}
	return pages, nil
}

// policy is what the page may do: use what was served here, and call this door.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is one file.
type page struct {
	kind string
	body []byte
}

// ServeHTTP answers with the file.
func (p page) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Content-Type", p.kind)
	header.Set("Content-Length", strconv.Itoa(len(p.body)))
	_, _ = bytes.NewReader(p.body).WriteTo(w) // who asks again is told the same
}

// guard lets some in.
type guard struct {
	closed         bool // but to those with credentials
	user, password [sha256.Size]byte
}

func newGuard(cfg Config) guard {
	return guard{cfg.User != "", sha256.Sum256([]byte(cfg.User)), sha256.Sum256([]byte(cfg.Password))}
}

// before has a page be served to those whom the guard lets in.
func (g guard) before(p http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case g.closed && !g.knows(r):
			header.Set("WWW-Authenticate", `Basic realm="natslock", charset="UTF-8"`)
			deny(w, http.StatusUnauthorized, "the console asks for the user and password that natslock was started with")
		case !g.closed && !near(r):
			deny(w, http.StatusForbidden, "without credentials the console is for the machine that natslock runs on; "+
				"start natslock with NATSLOCK_AUTH_USER and NATSLOCK_AUTH_PASSWORD to open it here")
		default:
			p.ServeHTTP(w, r)
		}
	})
}

// deny answers in the words of the protocol, as everything here does that is no page.
func deny(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	body := schema.Append(nil, schema.JSON, &schema.Reply{Status: schema.StatusDenied, Message: message})
	_, _ = w.Write(append(body, '\n')) // or nobody is there to be told
}

// knows tells whether a request has the credentials, in the same time whatever is
// wrong with them.
func (g guard) knows(r *http.Request) bool {
	name, word, _ := r.BasicAuth()
	user, password := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(word))
	return subtle.ConstantTimeCompare(user[:], g.user[:])&subtle.ConstantTimeCompare(password[:], g.password[:]) == 1
}

// near tells whether a request comes from the same machine, and for nobody else.
func near(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
