package script

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Version is that of the client.
const Version = "4.8.4"

// etag is what the server of npm has as well.
const etag = `"` + Version + `"`

// kinds are the content types.
var kinds = map[string]string{
	".js":  "application/javascript; charset=utf-8",
	".map": "application/json; charset=utf-8",
}

//go:embed dist/*.gz
var dist embed.FS

// Pages returns what is to be served, by its paths.
func Pages() (map[string]http.Handler, error) {
	files, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("socket.io client: %w", err)
	}
	pages := make(map[string]http.Handler, len(files))
	for _, f := range files {
		packed, err := fs.ReadFile(dist, "dist/"+f.Name())
		if err != nil {
			return nil, fmt.Errorf("socket.io client: %w", err)
		}
		name := strings.TrimSuffix(f.Name(), ".gz")
		pages["/socket.io/"+name] = file{kinds[path.Ext(name)], packed}
	}
	return pages, nil
}

// file is one file, compressed.
type file struct {
	kind   string
	packed []byte
}

// ServeHTTP answers with the file, or says that the browser has it.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "public, max-age=0")
	header.Set("ETag", etag)
	header.Add("Vary", "Accept-Encoding")
	if known(r.Header.Get("If-None-Match")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.kind)
	header.Set("X-Content-Type-Options", "nosniff")
	if unpacks(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		header.Set("Content-Length", strconv.Itoa(len(f.packed)))
		_, _ = w.Write(f.packed) // who asks again is told the same
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(f.packed))
	if err == nil {
		_, _ = io.Copy(w, plain) // who asks again is told the same
	}
}

// known tells whether a browser names what it has, and has this.
func known(match string) bool {
	for tag := range strings.SplitSeq(match, ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == etag || tag == "*" {
			return true
		}
	}
	return false
}

// unpacks tells whether a browser takes what is compressed.
func unpacks(accept string) bool {
	for coding := range strings.SplitSeq(accept, ",") {
		name, quality, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			_, q, weighted := strings.Cut(quality, "=")
			n, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return !weighted || err == nil && n > 0
		}
	}
	return false
}
