package lock

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write what happens into testdata instead of comparing it")

// TestTranscripts plays the stories in testdata. Their language is described in
// testdata/README.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

// play returns the story as it goes: comments and commands as they are, and
// after each paragraph of commands what follows from them.
func play(t *testing.T, story string) string {
	var b strings.Builder
	s := script{names: map[Attempt]string{}}
	w := &world{t: t}
	var commands []Command
	fold := func() {
		if len(commands) == 0 {
			return
		}
		revision := w.revision
		outcomes := w.do(commands...)
		s.print(&b, outcomes, w.r, w.revision != revision)
		commands = nil
	}
	for line := range strings.Lines(story) {
		switch {
		case strings.HasPrefix(line, "    "):
			fold()
			continue
		case strings.TrimSpace(line) == "":
			fold()
		case !strings.HasPrefix(line, "#"):
			commands = append(commands, s.command(line))
		}
		b.WriteString(line)
	}
	fold()
	return b.String()
}
