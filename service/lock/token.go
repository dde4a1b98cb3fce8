package lock

import "github.com/natslock/natslock/schema"

// Token is a fencing token (Sealed), or, below 256, the index of a grant in the
// write that is still being made.
//
// A record cannot contain the revision it is going to have, so a grant is
// stored with its index, and whoever learns the revision seals it. Stores begin
// at revision 1, so no sealed token is as small as an index.
type Token uint64

// maxRevision is the last revision whose tokens are within schema.MaxToken.
const maxRevision = schema.MaxToken / MaxGrants

// Sealed reports whether t is a fencing token, not an index.
func (t Token) Sealed() bool { return t >= MaxGrants }

// seal is t as it is once its write has become revision.
func (t Token) seal(revision uint64) Token {
	if t.Sealed() {
		return t
	}
	return Token(revision*MaxGrants) + t
}

// Seal returns the record as it is once it has been stored at revision: tokens
// and renewals of this write get their final values. It is what Decode returns
// for what Append wrote.
func (r Record) Seal(revision uint64) Record {
	holds := make([]Hold, len(r.Holds))
	copy(holds, r.Holds)
	for i := range holds {
		h := &holds[i]
		h.Token = h.Token.seal(revision)
		if h.Renewed == 0 {
			h.Renewed = revision
		}
	}
	r.Holds, r.granted = holds, 0
	return r.tidy()
}

// tidy returns r with nil for every empty list, so that equal records are
// deeply equal.
func (r Record) tidy() Record {
	if len(r.Holds) == 0 {
		r.Holds = nil
	}
	if len(r.Waiters) == 0 {
		r.Waiters = nil
	}
	if len(r.Sets) == 0 {
		r.Sets = nil
	}
	return r
}

// Seal gives every token in o its final value, once the record that justifies o
// has been stored at revision.
func (o *Outcome) Seal(revision uint64) {
	if o.Reply != nil {
		sealReply(o.Reply, revision)
	}
	for i := range o.Answers {
		sealReply(&o.Answers[i].Reply, revision)
	}
	for i := range o.Events {
		if e := &o.Events[i]; e.ofHold() {
			e.Token = e.Token.seal(revision)
		}
	}
}

// sealReply seals the token of a grant and the holders'. Other replies have no
// token, and 0 there is none, not the first index.
func sealReply(r *schema.Reply, revision uint64) {
	if r.Status == schema.StatusGranted || r.Status == schema.StatusAlready {
		r.Token = uint64(Token(r.Token).seal(revision))
	}
	for i := range r.Holders {
		r.Holders[i].Token = uint64(Token(r.Holders[i].Token).seal(revision))
	}
}
