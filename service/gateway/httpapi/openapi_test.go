package httpapi_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

func TestTheDocumentTellsOfEveryCall(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{Version: "1.2.3"})
	a := d.call("GET", "/openapi.json", "")
	type object struct {
		Properties map[string]any
		Required   []string
	}
	type operation struct {
		OperationID string
		Parameters  []struct{ Name, In string }
		RequestBody *struct {
			Content map[string]struct{ Schema object }
		}
		Responses map[string]struct{ Description string }
	}
	var doc struct {
		OpenAPI    string
		Info       struct{ Version string }
		Paths      map[string]map[string]operation
		Components struct{ Schemas map[string]object }
	}
	if err := json.Unmarshal([]byte(a.text), &doc); err != nil || a.code != 200 {
		t.Fatal(a.code, err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Version != "1.2.3" {
		t.Error(doc.OpenAPI, doc.Info)
	}
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, o := range operations {
			if ids[o.OperationID] {
				t.Errorf("%s %s: %s is there twice", method, path, o.OperationID)
			}
			ids[o.OperationID] = true
			// What is told of is there.
			actual := strings.NewReplacer("{realm}", "r", "{name}", "n").Replace(path)
			if path != "/v1/realms/{realm}/events" {
				if got := d.call(strings.ToUpper(method), actual, ""); got.code == 405 || got.code == 404 && path != "/metrics" {
					t.Errorf("%s %s: %d", method, path, got.code)
				}
			}
			for _, code := range []string{"200", "403", "429", "503"} {
				if o.Responses[code].Description == "" {
					t.Errorf("%s %s: nothing of %s", method, path, code)
				}
			}
		}
	}
	if len(ids) != 19 {
		t.Errorf("%d calls: %v", len(ids), slices.Sorted(maps.Keys(ids)))
	}
	acquire := doc.Paths["/v1/realms/{realm}/locks/{name}"]["post"]
	fields := slices.Sorted(maps.Keys(acquire.RequestBody.Content["application/json"].Schema.Properties))
	if got := strings.Join(fields, " "); got != "client fresh meta mode name owner request size ttl_ms wait_ms" {
		t.Error(got)
	}
	release := doc.Paths["/v1/realms/{realm}/locks/{name}"]["delete"]
	if release.RequestBody != nil || len(release.Parameters) != 5 {
		t.Errorf("%+v", release)
	}
	if doc.Components.Schemas["Reply"].Properties["holders"] == nil {
		t.Error("the reply is not told of")
	}
}
