package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

func TestSessionsAreListed(t *testing.T) {
	inBubble(t, func(b *bubble) {
		ttl, grace := int64(20_000), int64(500)
		b.as("c", &schema.Keepalive{Session: "s", Create: true, TTL: &ttl, Grace: &grace}).want(schema.StatusOK)
		opened := time.Now().UTC().Truncate(time.Millisecond)
		b.present("c", "s", "a")
		b.present("c", "s/1", "b")
		b.open("d", "t")
		waiting := b.as("d", &schema.Acquire{Name: "a", Session: "t", Wait: schema.WaitForever})
		b.open("idle", "i")
		b.open("gone", "g")
		b.present("gone", "g", "x")
		b.as("gone", &schema.Leave{Session: "g"}).want(schema.StatusOK)
		b.pass(2 * time.Second)

		r := b.want(schema.StatusOK, &schema.List{Sessions: true})
		if len(r.Sessions) != 2 || r.Locks != nil {
			t.Fatalf("%+v", r)
		}
		left := int64(18_000)
		want := schema.SessionState{Session: "s", Client: "c", TTL: 20_000, Grace: 500, ExpiresIn: &left, Holds: 2, OpenedAt: opened}
		got := r.Sessions[0]
		if *got.ExpiresIn != left {
			t.Errorf("expires in %d", *got.ExpiresIn)
		}
		if got.ExpiresIn = want.ExpiresIn; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if s := r.Sessions[1]; s.Session != "t" || s.Waiters != 1 || s.Holds != 0 {
			t.Errorf("%+v", s)
		}
		for _, one := range []struct {
			as   string
			ask  schema.List
			want string
		}{
			{"idle", schema.List{Sessions: true}, "[i s t]"}, // its own, too
			{"c", schema.List{Sessions: true, Holder: "d"}, "[t]"},
			{"c", schema.List{Sessions: true, Session: "s"}, "[s]"},
			{"c", schema.List{Sessions: true, Session: "i"}, "[]"},
		} {
			var names []string
			for _, s := range b.as(one.as, &one.ask).want(schema.StatusOK).Sessions {
				names = append(names, s.Session)
			}
			if fmt.Sprint(names) != one.want {
				t.Errorf("%+v by %s: %v, want %s", one.ask, one.as, names, one.want)
			}
		}
		other := b.listen()
		other.sendTo(schema.RequestSubject("other", schema.VerbList, ""), &schema.List{Sessions: true})
		if r := other.want(schema.StatusOK); len(r.Sessions) != 0 {
			t.Errorf("another realm sees %+v", r.Sessions)
		}
		b.as("d", &schema.Leave{Session: "t"}).want(schema.StatusOK)
		waiting.want(schema.StatusCanceled)
	})
}

func TestListOfSessionsGoesOnAtItsCursor(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for i := range 25 {
			s := fmt.Sprintf("s%02d", i)
			b.open("c", s)
			b.present("c", s, s)
		}
		limit, seen, cursor := int64(10), 0, ""
		for range 3 {
			r := b.want(schema.StatusOK, &schema.List{Sessions: true, Limit: &limit, Cursor: cursor})
			for _, s := range r.Sessions {
				if want := fmt.Sprintf("s%02d", seen); s.Session != want {
					t.Errorf("%s, want %s", s.Session, want)
				}
				seen++
			}
			cursor = r.Cursor
		}
		if seen != 25 || cursor != "" {
			t.Errorf("%d sessions, cursor %q", seen, cursor)
		}
		b.want(schema.StatusInvalid, &schema.List{Sessions: true, Cursor: "bmE"}) // of a list of locks
	})
}
