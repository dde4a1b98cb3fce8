// Package natslock_test holds what is true of the module as a whole: which
// package may import which, and that each says what it is.
package natslock_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/natslock/natslock"

// socketio is a library of its own, which knows nothing of locks, and the door
// that is built on it.
const socketio = "service/gateway/socketio/"

// layers say which folders of the module the packages in a folder import,
// beside that folder itself. Where several fit, the deepest counts.
var layers = map[string][]string{
	"schema":                      {},
	"bus":                         {"schema"},
	"bus/bustest":                 {"schema", "bus"},
	"bus/embedded":                {"schema", "bus"},
	"client":                      {"schema", "bus"},
	"client/clienttest":           {"schema", "bus", "bus/embedded", "client", "service"},
	"service":                     {"schema", "bus", "service/lock", "service/presence"},
	"service/lock":                {"schema"},
	"service/presence":            {"schema"},
	"service/gateway":             {"schema", "bus", "client", socketio + "engine", socketio + "socket"},
	"service/gateway/gatewaytest": {"schema", "client"},
	socketio + "engine":           {},
	socketio + "socket":           {socketio + "engine"},
	socketio + "objecthash":       {},
	socketio + "script":           {},
	socketio + "locker":           {"schema", "client", "service/gateway", socketio + "engine", socketio + "socket", socketio + "objecthash"},
	socketio + "bench/floor":      {"bus", "bus/embedded", socketio + "engine", socketio + "socket"},
	"cmd":                         {"schema", "bus", "bus/embedded", "client", "client/clienttest", "service", "service/gateway", socketio + "locker", socketio + "script"},
	"internal/bubbletest":         {}, // and no other package imports it: tests do
	"examples":                    {"schema", "client"},
	"examples/ldlm":               {"service/gateway"},
}

// importers are the only folders that import a package, tests apart. A name
// that ends in a slash stands for all packages below it.
var importers = map[string][]string{
	"github.com/nats-io/nats-server/":      {"bus/embedded"},
	"github.com/nats-io/nats.go/jetstream": {"bus"},
	"github.com/nats-io/nats.go/micro":     {"bus"},
	"github.com/alecthomas/kong":           {"cmd"},
	"testing":                              {"bus/bustest", "client/clienttest", "service/gateway/gatewaytest", "internal/bubbletest"},
	"testing/synctest":                     {"internal/bubbletest"},
	"github.com/anishathalye/porcupine":    {},
	"github.com/google/go-cmp/":            {},
	"go.uber.org/goleak":                   {},
	"pgregory.net/rapid":                   {},
	"github.com/coder/websocket":           {"service/gateway", socketio + "engine"},
	"github.com/prometheus/":               {"service", "service/gateway", "cmd"},
	"github.com/danielgtaylor/huma/":       {"service/gateway"},
	"google.golang.org/":                   {"service/gateway", "examples/ldlm"},
}

// impure is what the core does without: it has no clock of its own, no
// randomness and no I/O.
var impure = []string{
	"context", "crypto/rand", "log/slog", "math/rand", "math/rand/v2", "net", "os", "sync", "syscall",
	"github.com/nats-io/",
}

// unlinked is what a program that imports the client does not link.
var unlinked = []string{
	"github.com/nats-io/nats-server/", "github.com/nats-io/jwt/", "github.com/anishathalye/porcupine",
	"go.uber.org/goleak", "pgregory.net/rapid", "testing", "flag", "github.com/prometheus/", "github.com/coder/",
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range list(t, "./...") {
		folder := layer(p.folder())
		if folder == "" {
			t.Errorf("%s belongs to no layer", p.ImportPath)
		}
		for _, path := range p.Imports {
			imported, ours := strings.CutPrefix(path, module+"/")
			if ours && layer(imported) != folder && !slices.Contains(layers[folder], layer(imported)) {
				t.Errorf("%s imports %s: %s may import %q", p.folder(), imported, folder, layers[folder])
			}
		}
	}
}

func TestForeignPackagesAreImportedInOnePlace(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, path := range p.Imports {
			for name, folders := range importers {
				if matches(path, name) && !slices.Contains(folders, layer(p.folder())) {
					t.Errorf("%s imports %s: only %q may", p.folder(), path, folders)
				}
			}
		}
	}
}

func TestTheCoreIsPure(t *testing.T) {
	for _, p := range append(list(t, "./service/lock/..."), list(t, "./service/presence/...")...) {
		for _, path := range p.Imports {
			if slices.ContainsFunc(impure, func(name string) bool { return matches(path, name) }) {
				t.Errorf("%s imports %s", p.folder(), path)
			}
		}
	}
}

func TestTheClientLinksNoServer(t *testing.T) {
	for _, path := range list(t, "./client")[0].Deps {
		if slices.ContainsFunc(unlinked, func(name string) bool { return matches(path, name) }) {
			t.Errorf("client links %s", path)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range list(t, "./...") {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.folder())
		}
	}
}

// layer is the deepest folder of layers that path is in, or "".
func layer(path string) string {
	deepest := ""
	for folder := range layers {
		if matches(path+"/", folder+"/") && len(folder) > len(deepest) {
			deepest = folder
		}
	}
	return deepest
}

// matches reports whether path is name, or is below a name that ends in a slash.
func matches(path, name string) bool {
	return path == name || strings.HasSuffix(name, "/") && strings.HasPrefix(path, name)
}

// listed is what go list tells of a package, its tests apart.
type listed struct {
	ImportPath string
	Doc        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func (p listed) folder() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// list returns the packages of a pattern that are more than tests.
func list(t *testing.T, pattern string) []listed {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Doc,GoFiles,Imports,Deps", pattern)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", pattern, err, &stderr)
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF) && len(packages) == 0:
			t.Fatalf("go list %s: no package", pattern)
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatalf("go list %s: %v", pattern, err)
		case len(p.GoFiles) > 0:
			packages = append(packages, p)
		}
	}
}
