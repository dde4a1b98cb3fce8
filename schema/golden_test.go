package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares bytes with those of a file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", name, got, want)
	}
}

func TestMessagesHaveTheBytesOfTheGoldenFiles(t *testing.T) {
	for name, m := range samples {
		golden(t, name+".json", Append(nil, JSON, m))
		golden(t, name+".msgpack", Append(nil, MessagePack, m))
	}
}

func TestGoldenFilesDecodeToTheMessages(t *testing.T) {
	for name, want := range samples {
		for _, e := range []Encoding{JSON, MessagePack} {
			body := Append(nil, e, want)
			got := sampleOf(name)
			if err := Decode(e, body, got); err != nil {
				t.Errorf("%s in %s: %v", name, e.ContentType(), err)
			} else if !reflect.DeepEqual(got, want) {
				t.Errorf("%s in %s:\n got %+v\nwant %+v", name, e.ContentType(), got, want)
			}
			if detected := Detect("", body); detected != e {
				t.Errorf("%s in %s is detected as %s", name, e.ContentType(), detected.ContentType())
			}
		}
	}
}

// Both encodings say the same to libraries that know nothing of natslock.
func TestOtherLibrariesReadTheGoldenFiles(t *testing.T) {
	for name, m := range samples {
		var fromJSON, fromPack map[string]any
		if err := json.Unmarshal(Append(nil, JSON, m), &fromJSON); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := msgpack.Unmarshal(Append(nil, MessagePack, m), &fromPack); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, err := json.Marshal(fromPack)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var again map[string]any
		if err := json.Unmarshal(text, &again); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(fromJSON, again) {
			t.Errorf("%s:\nJSON        %v\nMessagePack %v", name, fromJSON, again)
		}
	}
}

// What another library writes, with its own choice of widths and order, reads
// as the same message.
func TestWhatOtherLibrariesWriteIsRead(t *testing.T) {
	for name, want := range samples {
		var fields map[string]any
		decoder := json.NewDecoder(bytes.NewReader(Append(nil, JSON, want)))
		if err := decoder.Decode(&fields); err != nil {
			t.Fatal(err)
		}
		indented, err := json.MarshalIndent(fields, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := msgpack.Unmarshal(Append(nil, MessagePack, want), &fields); err != nil {
			t.Fatal(err)
		}
		packed, err := msgpack.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		for e, body := range map[Encoding][]byte{JSON: indented, MessagePack: packed} {
			if e == JSON && name == "reply_inspect" {
				continue // its largest number is no float64, which the library makes of it
			}
			got := sampleOf(name)
			if err := Decode(e, body, got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s in %s: %v\n got %+v\nwant %+v", name, e.ContentType(), err, got, want)
			}
		}
	}
}

func TestEveryFieldIsInSomeGoldenFile(t *testing.T) {
	set := map[string]bool{}
	for _, m := range samples {
		noteSet(reflect.ValueOf(m).Elem(), set)
	}
	for _, m := range samples {
		v := reflect.TypeOf(m).Elem()
		for i := range v.NumField() {
			if field := v.Name() + "." + v.Field(i).Name; !set[field] {
				t.Errorf("%s is in none", field)
			}
		}
	}
	for _, v := range []reflect.Type{reflect.TypeFor[LockToken](), reflect.TypeFor[LockState](), reflect.TypeFor[Holder](), reflect.TypeFor[Waiter]()} {
		for i := range v.NumField() {
			if field := v.Name() + "." + v.Field(i).Name; !set[field] {
				t.Errorf("%s is in none", field)
			}
		}
	}
}

// noteSet notes which fields of a struct and of those in it have a value.
func noteSet(v reflect.Value, set map[string]bool) {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() {
			continue
		}
		set[v.Type().Name()+"."+v.Type().Field(i).Name] = true
		if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct {
			for j := range f.Len() {
				noteSet(f.Index(j), set)
			}
		}
	}
}
