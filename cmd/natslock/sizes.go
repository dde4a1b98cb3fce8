package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/natslock/natslock/schema"
)

// mismatch says how a lock is in use, of which a hold of a mode and size was
// refused for being another; "" if that is not known any more.
func (s *session) mismatch(ctx context.Context, names []string, mode schema.Mode, size int64) string {
	states, err := s.Inspect(ctx, names...)
	if err != nil {
		return ""
	}
	return otherUse(states, cmp.Or(mode, schema.ModeExclusive), size)
}

// otherUse finds the first lock that is in use in another way.
func otherUse(states []schema.LockState, mode schema.Mode, size int64) string {
	for _, l := range states {
		if len(l.Holders) > 0 && (l.Mode != mode || l.Size != size) {
			return fmt.Sprintf("%s is held %s, and was asked for %s", l.Name, use(l.Mode, l.Size), use(mode, size))
		}
	}
	return ""
}

// use is a mode and a size in words.
func use(mode schema.Mode, size int64) string {
	switch {
	case mode != schema.ModeShared:
		return "exclusively"
	case size == 0:
		return "shared by any number"
	}
	return fmt.Sprintf("shared by at most %d", size)
}
