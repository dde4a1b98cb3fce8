package schema

import (
	"errors"
	"fmt"
	"strings"
)

// The patterns of all requests and of all events.
const (
	AllRequests = "lock.>"
	AllEvents   = "lockevent.>"
)

const (
	requestPrefix = "lock."
	eventPrefix   = "lockevent."
)

var (
	errUTF8   = errors.New(notUTF8)
	errEscape = errors.New("an escape is = and two upper-case hex digits")
)

// Address is what a request's subject says.
type Address struct {
	Realm  string
	Verb   Verb
	Client string // "" unless Named
	Named  bool   // the subject names the client
}

// RequestSubject is where a request is sent. Without a client it is the plain
// subject, on which the caller names itself in the body.
func RequestSubject(realm string, v Verb, client string) string {
	if client == "" {
		return requestPrefix + EscapeToken(realm) + "." + string(v)
	}
	return requestPrefix + EscapeToken(realm) + "." + string(v) + "." + EscapeToken(client)
}

// RequestPatterns are the subjects on which a worker serves a verb for every
// realm: the plain one, and the one that names the client.
func RequestPatterns(v Verb) (plain, named string) {
	plain = requestPrefix + "*." + string(v)
	return plain, plain + ".*"
}

// EventSubject is where an event is published.
func EventSubject(realm string, t EventType) string {
	return eventPrefix + EscapeToken(realm) + "." + string(t)
}

// RealmEvents is the pattern of all events of a realm.
func RealmEvents(realm string) string {
	return eventPrefix + EscapeToken(realm) + ".*"
}

// ParseSubject reads the subject of a request. Its error is an *Error with
// StatusInvalid and the field realm, verb, client or subject.
func ParseSubject(subject string) (Address, error) {
	var a Address
	rest, ok := strings.CutPrefix(subject, requestPrefix)
	realm, rest, more := strings.Cut(rest, ".")
	if !ok || !more {
		return Address{}, invalid("subject", "want lock.<realm>.<verb> or lock.<realm>.<verb>.<client>")
	}
	verb, client, named := strings.Cut(rest, ".")
	var err *Error
	if a.Realm, err = parseToken("realm", realm, MaxRealm); err != nil {
		return Address{}, err
	}
	if a.Verb = Verb(verb); !a.Verb.Valid() {
		return Address{}, invalid("verb", fmt.Sprintf("%q is none", verb))
	}
	if a.Named = named; !named {
		return a, nil
	}
	if a.Client, err = parseToken("client", client, MaxClient); err != nil {
		return Address{}, err
	}
	return a, nil
}

// LockKey is the key of a lock's record in the store.
func LockKey(realm, name string) string {
	return EscapeToken(realm) + "." + EscapeToken(name)
}

// ParseLockKey is the inverse of LockKey. Its error is an *Error with
// StatusInvalid and the field realm, name or key.
func ParseLockKey(key string) (realm, name string, err error) {
	first, second, ok := strings.Cut(key, ".")
	if !ok {
		return "", "", invalid("key", "want <realm>.<name>")
	}
	realm, bad := parseToken("realm", first, MaxRealm)
	if bad != nil {
		return "", "", bad
	}
	name, bad = parseToken("name", second, MaxName)
	if bad != nil {
		return "", "", bad
	}
	return realm, name, nil
}

// parseToken reads one token of a subject or key; the limit is in bytes of
// what it stands for.
func parseToken(field, token string, limit int) (string, *Error) {
	text, err := UnescapeToken(token)
	if err != nil {
		return "", invalid(field, err.Error())
	}
	if text == "" || len(text) > limit {
		return "", invalid(field, fmt.Sprintf("%d bytes, want 1 to %d", len(text), limit))
	}
	return text, nil
}
