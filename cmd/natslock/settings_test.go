package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheReadmeHasEverySetting holds the flags of serve against the table of them.
func TestTheReadmeHasEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "\n### Settings\n")
	table, _, found := strings.Cut(table, "\n### ")
	if !found {
		t.Fatal("no settings in README.md")
	}
	told := map[string]bool{}
	family := regexp.MustCompile("`--([a-z0-9-]+)-\\*`").FindAllStringSubmatch(table, -1)
	for _, cells := range regexp.MustCompile(`(?m)^\| ([^|]*(?:\\\|[^|]*)*) \|`).FindAllStringSubmatch(table, -1) {
		for _, flag := range regexp.MustCompile("`--([a-z0-9-]+)").FindAllStringSubmatch(cells[1], -1) {
			told[flag[1]] = true
		}
	}
	for _, node := range shown(newParser(&system{out: new(bytes.Buffer), err: new(bytes.Buffer)})) {
		if node.Name != "serve" {
			continue
		}
		known := map[string]bool{}
		for _, flag := range node.Flags {
			known[flag.Name] = true
			is := told[flag.Name] || flag.Hidden
			for _, f := range family {
				is = is || strings.HasPrefix(flag.Name, f[1]+"-")
			}
			if !is {
				t.Errorf("README.md does not tell of --%s", flag.Name)
			}
		}
		for flag := range told {
			if !known[strings.TrimSuffix(flag, "-")] && !strings.HasSuffix(flag, "-") {
				t.Errorf("README.md tells of --%s, which is none", flag)
			}
		}
	}
}
