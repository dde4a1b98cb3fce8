package httpapi_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

// TestTheProtocolHasTheCodes holds the codes against those that docs/protocol.md tells.
func TestTheProtocolHasTheCodes(t *testing.T) {
	page, err := os.ReadFile("../../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[schema.Status]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^|]+ \\| ([0-9]{3}) \\|").FindAllStringSubmatch(string(page), -1) {
		told[schema.Status(row[1])] = row[2]
	}
	for _, s := range schema.Statuses() {
		if want := strconv.Itoa(httpapi.Code(s)); told[s] != want {
			t.Errorf("docs/protocol.md says %q of %s, which is %s", told[s], s, want)
		}
		delete(told, s)
	}
	if len(told) > 0 {
		t.Errorf("docs/protocol.md tells of more: %v", told)
	}
}
