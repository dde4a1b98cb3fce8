//go:build linux

package soak

import (
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/natslock/natslock/schema"
)

// kind is what a step did to a lock, or showed of it.
type kind uint8

const (
	granted kind = iota // the hold of the token began
	ended               // it ended by this very step
	lapsed              // it ended if it was there: nobody was told for certain by what
	alive               // the hold is there
	gone                // it is not there any more
	showed              // the holds are those of the tokens, and no others
)

// step is one operation on one lock, as its caller knows it.
type step struct {
	kind   kind
	token  uint64
	prev   uint64 // granted: the token of the grant before, of all grants of the lock
	mode   schema.Mode
	size   int64
	tokens []uint64 // showed, ascending
}

func (s step) String() string {
	switch s.kind {
	case granted:
		return fmt.Sprintf("granted %d %s %d", s.token, s.mode, s.size)
	case ended:
		return fmt.Sprintf("ended %d", s.token)
	case lapsed:
		return fmt.Sprintf("lapsed %d", s.token)
	case alive:
		return fmt.Sprintf("alive %d", s.token)
	case gone:
		return fmt.Sprintf("gone %d", s.token)
	default:
		return fmt.Sprintf("showed %d", s.tokens)
	}
}

// lockState is a lock as the protocol's promises describe it: who holds it. A
// waiter is no part of it: its acquire has not happened yet.
type lockState struct {
	last  uint64 // the token of the last grant
	mode  schema.Mode
	size  int64
	holds []uint64 // their tokens, ascending as they were granted
}

// model is the sequential lock that histories are compared with. Since tokens
// grow from grant to grant, the order of grants is known, which keeps the search
// for an order of everything short.
var model = porcupine.Model{
	Init: func() any { return lockState{} },
	Step: func(s, in, _ any) (bool, any) {
		return s.(lockState).after(in.(step))
	},
	Equal: func(a, b any) bool {
		x, y := a.(lockState), b.(lockState)
		return x.last == y.last && x.mode == y.mode && x.size == y.size && slices.Equal(x.holds, y.holds)
	},
	DescribeOperation: func(in, _ any) string { return in.(step).String() },
	DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
}

// after is the state after a step, which may be impossible.
func (s lockState) after(do step) (bool, lockState) {
	holds := slices.Contains(s.holds, do.token)
	switch do.kind {
	case granted:
		return s.last == do.prev && s.admits(do), s.with(do)
	case ended:
		return holds, s.without(do.token)
	case lapsed:
		return do.token <= s.last, s.without(do.token)
	case alive:
		return holds, s
	case gone:
		return do.token <= s.last && !holds, s
	default:
		return slices.Equal(s.holds, do.tokens), s
	}
}

func (s lockState) admits(do step) bool {
	if len(s.holds) == 0 {
		return true
	}
	return s.mode == schema.ModeShared && do.mode == schema.ModeShared && s.size == do.size &&
		(s.size == 0 || int64(len(s.holds)) < s.size)
}

func (s lockState) with(do step) lockState {
	return lockState{last: do.token, mode: do.mode, size: do.size, holds: append(slices.Clone(s.holds), do.token)}
}

func (s lockState) without(token uint64) lockState {
	i := slices.Index(s.holds, token)
	if i < 0 {
		return s
	}
	if s.holds = slices.Delete(slices.Clone(s.holds), i, i+1); len(s.holds) == 0 {
		s.mode, s.size = "", 0
	}
	return s
}
