package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// masked replaces what differs from run to run.
func masked(text string) string {
	for pattern, mask := range map[string]string{
		`\d{15,16}`:                              "TOKEN",
		`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`: "TIME",
		`\b(\d+m)?\d+(\.\d+)?m?s\b`:              "DURATION",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, mask)
	}
	return text
}

func TestInspectShowsHoldersAndWaitersInAPipe(t *testing.T) {
	ok(t, "acquire", "x", "--client", "a", "--owner", "o1", "--meta", "k=v")
	ok(t, "acquire", "s", "--client", "a", "--owner", "o2", "--size", "3")
	queued := when(t, schema.EventQueued)
	done := make(chan result)
	go func() {
		done <- natslock(t, "acquire", "x", "--wait", "1m", "--quiet", "--client", "b", "--owner", "o3")
	}()
	queued()
	want := strings.Join([]string{
		"x	held	exclusive	a	o1	TOKEN	DURATION	TIME	{\"k\":\"v\"}	-",
		"x	waiting	exclusive	b	o3	-	-	TIME	-	-",
		"s	held	shared/3	a	o2	TOKEN	DURATION	TIME	-	-",
		"none	free	-	-	-	-	-	-	-	-",
	}, "\n")
	if diff := cmp.Diff(want, masked(ok(t, "inspect", "x", "s", "none"))); diff != "" {
		t.Error(diff)
	}
	ok(t, "force", "x")
	(<-done).want(t, 0, "")
}

func TestListFilters(t *testing.T) {
	ok(t, "acquire", "a/1", "a/2", "b/1", "--client", "one")
	ok(t, "acquire", "a/3", "--client", "two")
	for want, args := range map[string][]string{
		"a/1 a/2 a/3 b/1": {},
		"a/1 a/2 a/3":     {"--prefix", "a/"},
		"a/1 a/2 b/1":     {"--holder", "one"},
		"a/1 a/2":         {"--limit", "2"},
		"":                {"--holder", "three"},
	} {
		var names []string
		for line := range strings.Lines(ok(t, append([]string{"list"}, args...)...)) {
			names = append(names, strings.Split(line, "\t")[0])
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
	natslock(t, "list", "--limit=-1").want(t, 2, "--limit")
}

func TestListJSONIsOneLockOnEachLine(t *testing.T) {
	ok(t, "acquire", "a", "b")
	var names []any
	for line := range strings.Lines(ok(t, "list", "--json")) {
		l := object(t, line)
		names = append(names, l["name"])
		if l["held"] != true {
			t.Errorf("%s", line)
		}
	}
	if diff := cmp.Diff([]any{"a", "b"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestListGoesOnOverPages(t *testing.T) {
	c := locks(t)
	const count = schema.MaxListLimit + 5
	var want []string
	for len(want) < count {
		var names []string
		for len(names) < schema.MaxNames && len(want) < count {
			names = append(names, fmt.Sprintf("%06d", len(want)))
			want = append(want, names[len(names)-1])
		}
		if _, err := c.AcquireAll(t.Context(), names, client.TTL(time.Minute), client.NoRenew()); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for line := range strings.Lines(ok(t, "list")) {
		got = append(got, strings.Split(line, "\t")[0])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestForceEndsTheHold(t *testing.T) {
	token := ok(t, "acquire", "x", "--client", "a")
	natslock(t, "force", "x", "--token", "1").want(t, 1, "force x: not_held")
	forced := when(t, schema.EventForced)
	if got := ok(t, "force", "x", "--reason", "its machine is gone"); !strings.HasPrefix(got, "released: was held by a, owner ") || !strings.Contains(got, token) {
		t.Error(got)
	}
	if e := forced(); e.Reason != "its machine is gone" {
		t.Errorf("%+v", e)
	}
	natslock(t, "force", "x").want(t, 1, "force x: not_held")
}
