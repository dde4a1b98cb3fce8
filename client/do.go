package client

import (
	"context"
	"errors"
)

// Do acquires a lock, runs f and releases the lock, also when f panics. The
// context of f ends with ctx, and with the cause ErrLost when the lock may be
// somebody else's; f should return soon then.
//
// The error is that of Acquire, without f having run; or that of f, joined with
// that of the release: ErrLost when the lock was lost before f was done, so that
// f may not have been alone, and ErrUnavailable when the release has not been
// acknowledged yet and goes on in the background. The release has
// Options.Timeout, also when ctx has ended.
func (c *Client) Do(ctx context.Context, name string, f func(ctx context.Context, l *Lock) error, opts ...AcquireOption) (err error) {
	l, err := c.Acquire(ctx, name, opts...)
	if err != nil {
		return err
	}
	held := newHeldContext(ctx, l)
	detach := context.AfterFunc(l.Context(), held.look)
	defer func() {
		detach()
		held.cancel(nil)
		releasing, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.options.Timeout)
		defer cancel()
		if failed := l.Release(releasing); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	return f(held, l)
}
