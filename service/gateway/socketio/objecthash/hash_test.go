package objecthash

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
)

func TestEveryVectorOfTheNpmPackageMatches(t *testing.T) {
	file, err := os.Open("testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); n++ {
		var vector struct {
			V json.RawMessage
			H string
		}
		if err := json.Unmarshal(lines.Bytes(), &vector); err != nil {
			t.Fatal(err)
		}
		if got, err := Sum(vector.V); err != nil || got != vector.H {
			t.Errorf("Sum(%s) = %s, %v, want %s", vector.V, got, err, vector.H)
		}
	}
	if n < 150 {
		t.Errorf("%d vectors", n)
	}
}

// The hashes are those of object-hash 3.0.0, of what JSON.parse returns.
func TestCornersOfJavaScript(t *testing.T) {
	for value, want := range corners {
		if got, err := Sum([]byte(value)); err != nil || got != want {
			t.Errorf("Sum(%s) = %s, %v, want %s", value, got, err, want)
		}
	}
}

func TestNumbersAreWrittenAsJavaScriptDoes(t *testing.T) {
	for value, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0e5": "0", "42": "42", "1.50": "1.5", "1e20": "100000000000000000000", "1e21": "1e+21",
		"123456789012345680000": "123456789012345680000", "0.000001": "0.000001", "0.0000001": "1e-7", "-1.5e-9": "-1.5e-9",
		"1e-10": "1e-10", "5e-324": "5e-324", "1e400": "Infinity", "-1e400": "-Infinity", "1e-400": "0",
		"9007199254740993": "9007199254740992", "0.1": "0.1", "1.7976931348623157e308": "1.7976931348623157e+308",
	} {
		text, err := canonical([]byte(value))
		if err != nil || string(text) != "number:"+want {
			t.Errorf("%s is %s, %v, want %s", value, text, err, want)
		}
	}
}

func TestWhatIsNotJSONIsRefused(t *testing.T) {
	for _, value := range []string{"", " ", "{", "[1,]", "'x'", `"\x"`, "undefined", "1 2", "NaN"} {
		if _, err := Sum([]byte(value)); !errors.Is(err, ErrJSON) {
			t.Errorf("Sum(%q): %v", value, err)
		}
	}
}

func FuzzSum(f *testing.F) {
	for value := range corners {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Sum(data)
		if json.Valid(data) != (err == nil) {
			t.Fatalf("Sum(%q): %v", data, err)
		}
		if err != nil {
			return
		}
		// Spaces mean nothing, and neither does how letters are written.
		var spaced, escaped bytes.Buffer
		if err := json.Indent(&spaced, data, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		json.HTMLEscape(&escaped, data)
		for _, other := range [][]byte{spaced.Bytes(), escaped.Bytes(), slices.Concat([]byte("\n "), data)} {
			if again, err := Sum(other); err != nil || again != got {
				t.Errorf("Sum(%q) = %s, %v, and Sum(%q) = %s", other, again, err, data, got)
			}
		}
		if inside, err := Sum(slices.Concat([]byte("["), data, []byte("]"))); err != nil || inside == got {
			t.Errorf("Sum([%s]) = %s, %v", data, inside, err)
		}
	})
}
