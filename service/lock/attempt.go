package lock

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/natslock/natslock/schema"
)

// Attempt identifies one acquire: Identify(client, request). It is never 0.
type Attempt uint64

// Identify returns the attempt that a client's request is: a hash, since
// records remember many.
func Identify(client, request string) Attempt {
	b := make([]byte, 0, 2*schema.MaxClient+2*schema.MaxID)
	b = binary.AppendUvarint(b, uint64(len(client)))
	b = append(b, client...)
	b = append(b, request...)
	sum := sha256.Sum256(b)
	return Attempt(max(1, binary.BigEndian.Uint64(sum[:])))
}

// Inbox is where the answer to a waiting attempt goes, and how it is encoded.
type Inbox struct {
	Subject  string
	Encoding schema.Encoding
}

// End says how an attempt ended.
type End uint8

// The ends of an attempt.
const (
	EndTimeout  End = iota + 1 // its wait passed
	EndCanceled                // it was canceled, or its session left
	EndHold                    // its hold has ended
	EndExpired                 // its session fell silent, or lost its connection, while it waited
	EndMismatch                // its size did not fit when its turn came
)

// Place says where in a record an attempt is.
type Place uint8

// The places of an attempt. It is in one at a time.
const (
	Nowhere   Place = iota // not known
	InHold                 // it was granted, and the hold lives
	InAlready              // it was answered "already" by a hold that lives
	InWaiters              // it waits its turn
	InSets                 // it waits for several names
	InEnded                // it is over
)

// FindAttempt says where a is.
func (r Record) FindAttempt(a Attempt) Place {
	place, _ := r.find(a)
	return place
}

// find says where a is, and at which index there.
func (r *Record) find(a Attempt) (Place, int) {
	for i := range r.Holds {
		switch k := slices.Index(r.Holds[i].Attempts, a); {
		case k == 0:
			return InHold, i
		case k > 0:
			return InAlready, i
		}
	}
	for i := range r.Waiters {
		if r.Waiters[i].Attempt == a {
			return InWaiters, i
		}
	}
	for i := range r.Sets {
		if r.Sets[i].Attempt == a {
			return InSets, i
		}
	}
	if i := r.Ended.find(a); i >= 0 {
		return InEnded, i
	}
	return Nowhere, -1
}

// reply is what a repeat of an attempt that ended so is told.
func (e End) reply() schema.Reply {
	switch e {
	case EndTimeout:
		return refusal(schema.StatusTimeout, "the wait has passed; a new acquire waits anew")
	case EndCanceled:
		return refusal(schema.StatusCanceled, "the attempt was canceled, or its session has left; a new acquire needs a new request")
	case EndHold:
		return refusal(schema.StatusNotHeld, "the hold of this attempt has ended; a new acquire needs a new request")
	case EndExpired:
		return refusal(schema.StatusSessionExpired, "the session of this attempt has ended, though it did not leave; open it again and use a new request")
	default:
		return sizeMismatch()
	}
}
