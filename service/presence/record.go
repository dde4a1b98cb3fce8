package presence

import (
	"strings"

	"github.com/natslock/natslock/schema"
)

// Record is what is stored of a session. The zero Record is one that nobody
// knows. Records are values.
type Record struct {
	Client string // who opened it
	Epoch  uint64 // the revision of the write that opened it; 0 is the write being made
	TTL    int64  // milliseconds
	Grace  int64  // reconnect grace, milliseconds
	Server string // the NATS server of its connection; "" if it was not told
	CID    uint64 // the connection's id there
	Told   bool   // whether the last keepalive that counted told the connection
	N      uint64 // of the last keepalive that counted; 0 if they are not counted
	Opened int64  // wall clock, Unix milliseconds: to be shown, never compared; 0 if that was lost
	Change uint64 // how often TTL or grace have become others since the opening: of two records of one opening, the one with more is later
	State  State
}

// State says whether a session is there.
type State uint8

// The states of a session.
const (
	Unknown      State = iota // never opened, or forgotten
	Open                      // alive
	Left                      // ended by leave
	Silent                    // ended because nothing was heard
	Disconnected              // ended because its connection was gone for longer than its grace
)

// Ended reports whether the session was there and is no more.
func (s State) Ended() bool { return s >= Left }

// Reason is why what a session held ends when it is in state s.
func (s State) Reason() schema.Reason {
	switch s {
	case Left:
		return schema.ReasonLeave
	case Disconnected:
		return schema.ReasonDisconnect
	default:
		return schema.ReasonSilence
	}
}

// end says for people how a session in state s has come to be no more.
func (s State) end() string {
	switch s {
	case Left:
		return "it has left"
	case Silent:
		return "it fell silent"
	case Disconnected:
		return "its connection was lost for longer than its grace"
	default:
		return "not known"
	}
}

// Seal is the record as it was stored at revision: an opening that was being
// written has its epoch then.
func (r Record) Seal(revision uint64) Record {
	if r.Epoch == 0 && r.State != Unknown {
		r.Epoch = revision
	}
	return r
}

// Key is where a session is stored: a token for the presence and, behind a dot,
// one for the leaf.
func Key(session string) string {
	id, leaf := schema.SplitSession(session)
	if leaf == "" {
		return schema.EscapeToken(id)
	}
	return schema.EscapeToken(id) + "." + schema.EscapeToken(leaf)
}

// ParseKey is the inverse of Key. ok is false for what Key does not write.
func ParseKey(key string) (session string, ok bool) {
	first, second, isLeaf := strings.Cut(key, ".")
	id, err := schema.UnescapeToken(first)
	if err != nil || id == "" || strings.Contains(id, "/") {
		return "", false
	}
	if !isLeaf {
		return id, true
	}
	leaf, err := schema.UnescapeToken(second)
	if err != nil || leaf == "" {
		return "", false
	}
	return id + "/" + leaf, true
}
