package locker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway/socketio/objecthash"
)

// The results and statuses of answers.
const (
	resultOK    = "ok"
	resultError = "error"

	statusLocked    = "locked"
	statusAlready   = "already"
	statusFree      = "free"
	statusUnlock    = "unlock"
	statusNotLocked = "not_locked"
	statusWatch     = "watch"
	statusError     = "error"
)

// answer is what a request is answered.
type answer struct {
	Result, Status string
	Data           json.RawMessage
	Message        string // perhaps
}

// text writes the answer.
func (a answer) text() json.RawMessage {
	const room = 64
	to := make([]byte, 0, room+len(a.Data)+len(a.Message))
	to = quote(append(to, `{"result":`...), a.Result)
	to = quote(append(to, `,"status":`...), a.Status)
	to = append(append(to, `,"data":`...), a.Data...)
	if a.Message != "" {
		to = quote(append(to, `,"message":`...), a.Message)
	}
	return append(to, '}')
}

// failed answers what was not done, or may not have been.
func failed(data json.RawMessage, why error) answer {
	return answer{Result: resultError, Status: statusError, Data: data, Message: why.Error()}
}

// request is what a client asks about a lock.
type request struct {
	raw      json.RawMessage // as it was sent
	id       string
	members  object // nil: it was a resourceID
	resource json.RawMessage
	details  object // nil: there are none
	own      object // those of them that the client can choose
	kept     kept   // of the lock: its resource, and these
}

var (
	null = json.RawMessage("null")

	errNoArgument = errors.New("an argument is missing")
	errNoResource = errors.New("resource: is missing")
	errNoName     = errors.New("resourceID: is empty")
)

// argument is the first argument, and null if there is none.
func argument(args []json.RawMessage) json.RawMessage {
	if len(args) == 0 {
		return null
	}
	return args[0]
}

// parseRequest reads {resource, details?}, or a resourceID where that may be.
func parseRequest(args []json.RawMessage, byID bool) (r request, err error) {
	if len(args) == 0 {
		return r, errNoArgument
	}
	r.raw = args[0]
	if byID && json.Unmarshal(r.raw, &r.id) == nil && r.raw[0] == '"' {
		if r.id == "" {
			return r, errNoName
		}
		return r, nil
	}
	if r.members, err = parseObject(r.raw); err != nil {
		return r, fmt.Errorf("the argument: %w", err)
	}
	if r.resource = r.members.get(fieldResource); r.resource == nil {
		return r, errNoResource
	}
	if details := r.members.get(fieldDetails); details != nil && string(details) != string(null) {
		if r.details, err = parseObject(details); err != nil {
			return r, fmt.Errorf("details: %w", err)
		}
	}
	r.own = r.details.without(owned...)
	r.kept = keep(r.resource, r.own)
	r.id, err = objecthash.Sum(r.resource)
	return r, err
}

// recordOf is the record of a hold of the lock, which was mostly taken by this very request.
func (r *request) recordOf(realm string, h *schema.Holder) record {
	if r.kept.meta == nil || !bytes.Equal(h.Meta, r.kept.meta) {
		return recordOf(realm, r.id, h)
	}
	return r.kept.record(realm, r.id, h)
}

// free is what a request is answered about a lock that nobody holds: itself, and its
// details as they would be.
func (r *request) free(realm, client string) json.RawMessage {
	if r.details == nil {
		return r.raw
	}
	return r.members.with(member{fieldDetails, ownedBy(r.details, realm, client, json.RawMessage("[null]"))}).text()
}

// ended is the record of a lock that the client has left, as far as it is in the request.
func (r *request) ended(realm, client string) json.RawMessage {
	left := record{id: r.id, resource: r.resource, realm: realm, client: client, sids: []string{}}
	if left.resource == nil {
		left.resource = null
	}
	return left.text()
}

// named is the request with the name of its lock.
func (r *request) named() json.RawMessage {
	return r.members.with(member{fieldID, encode(r.id)}).text()
}

// realmOf reads the realm that a lockTable is of: by default the caller's.
func realmOf(args []json.RawMessage, own string) (string, error) {
	raw := argument(args)
	if string(raw) == string(null) {
		return own, nil
	}
	var realm string
	if err := json.Unmarshal(raw, &realm); err != nil {
		return "", errors.New("realm: must be a string")
	}
	if realm == "" {
		return own, nil
	}
	return realm, nil
}
