package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
)

// list lists all pages, and returns the names.
func (c *caller) list(m schema.List) (names []string) {
	c.t.Helper()
	for {
		r := c.want(schema.StatusOK, &m)
		if m.Limit != nil && len(r.Locks) > int(*m.Limit) {
			c.t.Fatalf("%d locks, %d were asked for", len(r.Locks), *m.Limit)
		}
		for _, l := range r.Locks {
			if !*l.Held {
				c.t.Fatalf("%s is listed and not held", l.Name)
			}
			names = append(names, l.Name)
		}
		if m.Cursor = r.Cursor; m.Cursor == "" {
			return names
		}
	}
}

func TestListIsSortedAndPaged(t *testing.T) {
	inBubble(t, func(b *bubble) {
		var want []string
		for i := range 57 {
			name := fmt.Sprintf("n%02d", (i*23)%57)
			b.lock(&schema.Acquire{Name: name})
			want = append(want, name)
		}
		slices.Sort(want)
		for _, limit := range []int64{1, 2, 10, 56, 57, 58, 1000} {
			if got := b.list(schema.List{Limit: &limit}); !equal(got, want) {
				t.Errorf("with the limit %d: %q", limit, got)
			}
		}
		if got := b.list(schema.List{}); !equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

func TestListFilters(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for name, client := range map[string]string{"a/1": "x", "a/2": "y", "b/1": "x", "b/2": "", "é": "x", "a": "x"} {
			b.lock(&schema.Acquire{Name: name, Client: client, Mode: schema.ModeShared})
		}
		b.lock(&schema.Acquire{Name: "a/2", Client: "x", Mode: schema.ModeShared})
		free := b.lock(&schema.Acquire{Name: "free", Client: "x"})
		b.send(&schema.Acquire{Name: "free", Client: "x", Wait: 60_000}).close()
		b.unlock("free", free)
		b.settle()
		for _, test := range []struct {
			m    schema.List
			want []string
		}{
			{schema.List{Prefix: "a/"}, []string{"a/1", "a/2"}},
			{schema.List{Prefix: "a"}, []string{"a", "a/1", "a/2"}},
			{schema.List{Prefix: "c"}, nil},
			{schema.List{Prefix: "é"}, []string{"é"}},
			{schema.List{Holder: "y"}, []string{"a/2"}},
			{schema.List{Holder: "x", Prefix: "a/"}, []string{"a/1", "a/2"}},
			{schema.List{Holder: "z"}, nil},
			{schema.List{Session: "s"}, nil},
		} {
			test.m.Limit = ms(1)
			if got := b.list(test.m); !equal(got, test.want) {
				t.Errorf("%+v: %q, want %q", test.m, got, test.want)
			}
		}
	})
}

// Whatever happens between the pages, what is held all the time is listed once.
func TestListMissesNothingThatIsHeldThroughout(t *testing.T) {
	inBubble(t, func(b *bubble) {
		var stay, come []string
		tokens := map[string]uint64{}
		for i := range 100 {
			name := fmt.Sprintf("%03d", i)
			if i%3 == 0 {
				b.lock(&schema.Acquire{Name: name})
				stay = append(stay, name)
			} else {
				come = append(come, name)
			}
		}
		var got []string
		m := schema.List{Limit: ms(7)}
		for i := 0; ; i++ {
			for j, name := range come { // churn
				if token := tokens[name]; token != 0 && (i+j)%2 == 0 {
					b.unlock(name, token)
					tokens[name] = 0
				} else if token == 0 && (i+j)%3 == 0 {
					tokens[name] = b.lock(&schema.Acquire{Name: name})
				}
			}
			r := b.want(schema.StatusOK, &m)
			for _, l := range r.Locks {
				got = append(got, l.Name)
			}
			if m.Cursor = r.Cursor; m.Cursor == "" {
				break
			}
		}
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("not sorted, or twice: %q", got)
		}
		got = slices.DeleteFunc(got, func(name string) bool { return !slices.Contains(stay, name) })
		if !equal(got, stay) {
			t.Errorf("%q, want %q", got, stay)
		}
	})
}

func TestAForeignCursorIsInvalid(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for _, cursor := range []string{"x", "!", "bg==", strings.Repeat("b", 1000), strings.Repeat("b", 2000), "AAAA",
			"blah", "bg", "bmE\n", "c2E"} {
			r := b.want(schema.StatusInvalid, &schema.List{Cursor: cursor})
			if !strings.HasPrefix(r.Message, "cursor") {
				t.Errorf("message %q", r.Message)
			}
		}
		for _, limit := range []int64{-1, 0, 1001} {
			if r := b.want(schema.StatusInvalid, &schema.List{Limit: &limit}); !strings.HasPrefix(r.Message, "limit") {
				t.Errorf("message %q", r.Message)
			}
		}
	})
}

func TestAListThatWouldBeTooLargeEndsEarly(t *testing.T) {
	inBubble(t, func(b *bubble) {
		meta := schema.Meta(`{"k":"` + string(make4k()) + `"}`)
		var want []string
		for i := range 300 {
			want = append(want, fmt.Sprintf("%03d", i))
			b.lock(&schema.Acquire{Name: want[i], Meta: meta})
		}
		r := b.want(schema.StatusOK, &schema.List{Limit: ms(1000)})
		if len(r.Locks) < 50 || len(r.Locks) > 130 || r.Cursor == "" {
			t.Errorf("%d locks, cursor %q", len(r.Locks), r.Cursor)
		}
		if got := b.list(schema.List{Limit: ms(1000)}); !equal(got, want) {
			t.Errorf("%d names: %q", len(got), got)
		}
	})
}

// One lock whose state alone is more than a reply can hold must not end every
// list of its realm.
func TestAListGoesOnBehindALockThatIsTooLarge(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a"})
		b.lock(&schema.Acquire{Name: "c"})
		for i := range 700 {
			owner := strings.Repeat("\x01", 120) + fmt.Sprint(i)
			b.lock(&schema.Acquire{Name: "b", Owner: owner, Mode: schema.ModeShared})
		}
		text := b.connect()
		text.encoding = schema.JSON
		for _, limit := range []int64{1, 2, 1000} {
			if got := text.list(schema.List{Limit: &limit}); !equal(got, []string{"a", "b", "c"}) {
				t.Errorf("with the limit %d: %q", limit, got)
			}
		}
		text.want(schema.StatusLimit, &schema.Inspect{Name: "b"})
	})
}
