package lock

import (
	"fmt"

	"github.com/natslock/natslock/schema"
)

func refusal(status schema.Status, message string) schema.Reply {
	return schema.Reply{Status: status, Message: message}
}

func limit(message string) schema.Reply { return refusal(schema.StatusLimit, message) }

func notHeld() schema.Reply {
	return refusal(schema.StatusNotHeld, "no such hold: it was never granted, or has ended")
}

func notYours() schema.Reply {
	return refusal(schema.StatusDenied, "the hold is another client's, who alone may renew or release it")
}

func sizeMismatch() schema.Reply {
	return refusal(schema.StatusSizeMismatch, "the lock is in use with another size; inspect tells which")
}

func full() schema.Reply {
	return limit(fmt.Sprintf("the record of the lock would be longer than %d KiB; fewer holders and waiters or shorter meta make room", MaxBytes>>10))
}

func crowded() schema.Reply {
	return limit(fmt.Sprintf("the lock has %d holders and waiters, as many as one can have", MaxEntries))
}

// heldReply refuses an acquire that would have to wait.
func (r *Record) heldReply() schema.Reply {
	message := "the lock is held; with wait_ms the acquire waits its turn"
	if r.next() >= 0 {
		message = "others wait for the lock; with wait_ms the acquire waits its turn"
	}
	return schema.Reply{Status: schema.StatusHeld, Message: message, Holders: shown(r.Holds)}
}

// haveReply tells who has hold i of it, as it is.
func (r *Record) haveReply(i int) schema.Reply {
	reply := r.grantReply(schema.StatusAlready, i)
	reply.Holders = shown(r.Holds[i : i+1])
	return reply
}

// grantReply tells of hold i, which is granted or was already.
func (r *Record) grantReply(status schema.Status, i int) schema.Reply {
	h := &r.Holds[i]
	ttl, count := h.TTL, int64(len(r.Holds))
	return schema.Reply{Status: status, Token: uint64(h.Token), Owner: h.Owner, TTL: &ttl, Count: &count}
}
