package client_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
)

func TestInspectKeepsTheOrderOfAnyNumberOfNames(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	acquire(t, c, "300")
	var names []string
	for i := range 600 {
		names = append(names, fmt.Sprint(i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it is asked again until then
	defer cancel()
	states := must[[]client.LockState](t)(c.Inspect(ctx, names...))
	for i, s := range states {
		if s.Name != names[i] || *s.Held != (i == 300) {
			t.Fatalf("state %d: %+v", i, s)
		}
	}
	if none, err := c.Inspect(t.Context()); len(states) != 600 || len(none) != 0 || err != nil {
		t.Errorf("%d states, %d, %v", len(states), len(none), err)
	}
	_, err := c.Inspect(t.Context(), "a", "")
	wantErr(t, err, client.ErrInvalid)
}

func TestListGoesOverAllPages(t *testing.T) {
	s := clienttest.New(t)
	c := s.Client(&client.Options{ID: "lister"})
	for i := range 1100 {
		acquire(t, c, fmt.Sprintf("a/%04d", i))
	}
	acquire(t, s.Client(nil), "a/other")
	acquire(t, c, "b")
	var names []string
	for state, err := range c.List(t.Context(), &client.ListOptions{Prefix: "a/", Holder: "lister"}) {
		ok(t, err)
		names = append(names, state.Name)
	}
	if len(names) != 1100 || !slices.IsSorted(names) {
		t.Errorf("%d names", len(names))
	}
	for state, err := range c.List(t.Context(), nil) {
		ok(t, err)
		if state.Name != "a/0000" {
			t.Errorf("first is %q", state.Name)
		}
		break
	}
}

func TestListTellsItsError(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	n := 0
	for _, err := range c.List(t.Context(), &client.ListOptions{Prefix: "\xff"}) {
		n++
		wantErr(t, err, client.ErrInvalid)
	}
	if n != 1 {
		t.Errorf("%d times", n)
	}
}
