package locker

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestObjectsKeepTheOrderOfTheirMembers(t *testing.T) {
	o, err := parseObject([]byte(` {"b":1, "a":{"z":1.50},"b":2,"":null} `))
	if got := string(o.text()); err != nil || got != `{"b":2,"a":{"z":1.50},"":null}` {
		t.Errorf("%s, %v", got, err)
	}
	other, err := parseObject([]byte(`{"c":3,"a":"<"}`))
	if got := string(o.merged(other).text()); err != nil || got != `{"b":2,"a":"<","":null,"c":3}` {
		t.Errorf("%s, %v", got, err)
	}
	if got := string(o.without("b", "x").with("d", null).text()); got != `{"a":{"z":1.50},"":null,"d":null}` {
		t.Error(got)
	}
	if got := string(o.text()); got != `{"b":2,"a":{"z":1.50},"":null}` {
		t.Errorf("it was changed: %s", got)
	}
}

// Copying the object for each member of it would be gigabytes.
func TestManyMembersCostLittle(t *testing.T) {
	var text strings.Builder
	for i := range 8000 {
		text.WriteString(`,"` + strconv.Itoa(i) + `":0`)
	}
	data := []byte("{" + text.String()[1:] + "}")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := parseObject(data); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 64<<20 {
		t.Errorf("%d bytes", cost)
	}
}
