//go:build mutants

package lock

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	// faultOn is the variable of the environment that says which fault is on.
	faultOn = "NATSLOCK_FAULT"
	noFault = -1
)

// faultSource is a file that programs with mutants have besides those of the core.
const faultSource = `package lock

import (
	"os"
	"strconv"
)

var faultIsOn = func() int {
	n, err := strconv.Atoi(os.Getenv("` + faultOn + `"))
	if err != nil {
		panic(err)
	}
	return n
}()
`

// breed builds the tests of this package with all mutants in one program, because
// to build one for each takes far longer than their tests. It tells which mutants
// are not in it and have to be built alone.
func breed(t *testing.T) (program string, apart map[int]bool) {
	t.Helper()
	litters := map[string]*litter{}
	apart = map[int]bool{}
	for i, m := range mutants {
		source, at := m.place(t)
		l := litters[m.file]
		if l == nil {
			l = newLitter(t, m.file, source)
			litters[m.file] = l
		}
		if !l.add(i, at, m) {
			apart[i] = true
		}
	}
	files := map[string]string{"fault.go": faultSource}
	for name, l := range litters {
		files[name] = l.text()
	}
	return built(t, files), apart
}

// alone builds the tests of this package with one fault, which is always on.
func (m mutant) alone(t *testing.T) string {
	t.Helper()
	source, at := m.place(t)
	return built(t, map[string]string{m.file: source[:at] + m.out + source[at+len(m.text):]})
}

// place is where in its file the text is that a mutant replaces.
func (m mutant) place(t *testing.T) (source string, at int) {
	t.Helper()
	data, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	source = string(data)
	if n := strings.Count(source, m.text); n != 1 {
		t.Fatalf("%s: %s: %q is there %d times, not once", m.file, m.fault, m.text, n)
	}
	return source, strings.Index(source, m.text)
}

// built is the program of this package's tests with other texts of some files.
func built(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for name, text := range files {
		original, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		replace[original] = write(t, dir, name, []byte(text))
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay, program := write(t, dir, "overlay.json", data), filepath.Join(dir, "lock.test")
	c := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, "-overlay", overlay, "-vet=off", ".")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("no mutant: %v\n%s", err, out)
	}
	return program
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// chosen is the name of a function with one of its faults, or without any.
func chosen(name string, fault int) string {
	if fault == noFault {
		return name + "WithoutFault"
	}
	return fmt.Sprintf("%sWithFault%d", name, fault)
}
