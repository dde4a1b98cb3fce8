package lockd

import (
	"context"
	"io"
)

// do does what a command asks for and writes the reply. An error is what there is no
// reply to.
func (c *conn) do(ctx context.Context, cmd command, w io.Writer) error {
	r := c.server.registry
	if cmd.verb == stats {
		defer r.count(stats) // the reply does not count itself
	} else {
		r.count(cmd.verb)
	}
	switch cmd.verb {
	case get, getShared, release, releaseShared, inspect, inspectShared:
		n, err := c.lock(ctx, cmd)
		if err != nil {
			return err
		}
		return say(w, about(cmd.verb, n, cmd.arg))
	case show, showShared, dump:
		if c.server.config.NoDump {
			return say(w, disabled)
		}
		return c.tell(ctx, cmd, w)
	case who:
		if c.server.config.NoRegistry || c.server.config.NoDump {
			return say(w, disabled)
		}
		return r.names.tell(w, cmd.arg)
	default:
		return say(w, c.register(cmd))
	}
}

// lock does what a command asks for that is about one lock, and returns the
// number that its reply begins with.
func (c *conn) lock(ctx context.Context, cmd command) (n int, err error) {
	switch k := kindOf(cmd.verb); cmd.verb {
	case get, getShared:
		return c.holder.acquire(ctx, k, cmd.arg)
	case release, releaseShared:
		released, err := c.holder.release(ctx, k, cmd.arg)
		if released {
			n = 1
		}
		return n, err
	default:
		l, err := c.inspect(ctx, k, cmd.arg)
		if n = len(l.Holders); k == Exclusive {
			n = min(n, 1)
		}
		return n, err
	}
}

// inspect returns a lock as it is.
func (c *conn) inspect(ctx context.Context, k Kind, name string) (Lock, error) {
	c.server.leaving.await(ctx, k, name)
	return c.server.locks.Inspect(ctx, k, name)
}

// tell writes who holds what.
func (c *conn) tell(ctx context.Context, cmd command, w io.Writer) error {
	k := kindOf(cmd.verb)
	if cmd.verb != dump && cmd.arg != "" {
		l, err := c.inspect(ctx, k, cmd.arg)
		if err != nil {
			return err
		}
		return c.tellOne(l, w)
	}
	add := func(l Lock) error { return c.tellOne(l, w) }
	end := func() error { return nil }
	if cmd.verb == dump {
		if cmd.arg == "shared" {
			k = Shared
		}
		d := &dumper{to: w, shared: k == Shared}
		add, end = d.add, d.end
	}
	c.server.leaving.awaitKind(ctx, k)
	for l, err := range c.server.locks.List(ctx, k) {
		if err != nil {
			return err
		}
		if len(l.Holders) == 0 {
			continue // not any more
		}
		if err := add(l); err != nil {
			return err
		}
	}
	return end()
}

// tellOne writes a line for each holder of a lock.
func (c *conn) tellOne(l Lock, w io.Writer) error {
	for _, h := range l.Holders {
		if err := say(w, pair(l.Name, c.server.registry.holderName(h))); err != nil {
			return err
		}
	}
	return nil
}

// register does what a command asks for that is about connections, and returns
// the reply.
func (c *conn) register(cmd command) string {
	r := c.server.registry
	switch cmd.verb {
	case iam:
		if c.server.config.NoRegistry {
			return disabled
		}
		r.names.give(c, cmd.arg)
		return ok
	case me:
		return "1 " + c.address + " " + r.names.nameOf(c) + "\n"
	case stats:
		return r.stats()
	default:
		return string(cmd.fault) // or nothing: it is no command
	}
}

// kindOf is the kind of locks that a command is about.
func kindOf(v verb) Kind {
	switch v {
	case getShared, releaseShared, inspectShared, showShared:
		return Shared
	default:
		return Exclusive
	}
}

func say(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}
