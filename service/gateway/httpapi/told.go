package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/natslock/natslock/schema"
)

// about says what the fields of the protocol are, by their names.
var about = map[string]string{
	"realm":         "A namespace of locks",
	"name":          "The lock's name, percent-encoded in the path, also a slash in it",
	"names":         "Several locks, all or none",
	"client":        "Who calls. Default of a request: http",
	"owner":         "Who the hold belongs to, within its client: two acquires by the same are one hold. Default: a fresh one",
	"session":       "The presence by which it lives",
	"sessions":      "The presences by which it lives",
	"request":       "Identifies the attempt, and needs a client: the same call again is the same attempt",
	"mode":          "Alone, or together with other shared ones. Default: exclusive",
	"size":          "Of a shared one: at most so many holders; 0 is no bound",
	"ttl_ms":        "How long the hold lives without renewal, in milliseconds",
	"wait_ms":       "How long to wait for it, in milliseconds. Default: not at all",
	"fresh":         "A new hold or none: who holds it already is told so, with holders, and nothing changes",
	"meta":          "What is shown to whoever inspects the lock, at most 4 KiB",
	"token":         "The fencing token of a hold: larger than those of all earlier ones",
	"reason":        "For those who read events",
	"prefix":        "Of the names. Default: all",
	"limit":         "At most so many. Default: 100",
	"cursor":        "Where the next page begins, from the reply before",
	"status":        "The outcome",
	"message":       "For people: why it is not so",
	"count":         "How many hold it now",
	"holders":       "Who holds it",
	"waiters":       "Who waits for it, in order",
	"locks":         "One by one",
	"held":          "Whether anybody holds it",
	"expires_in_ms": "What is left of its time, in milliseconds",
	"granted_at":    "When it was granted",
	"queued_at":     "Since when it waits",
	"waited_ms":     "How long it had waited, in milliseconds",
	"held_ms":       "How long it was held, in milliseconds",
	"type":          "What has happened",
	"at":            "When",
}

// words are all the values that a field may have, if it may not have any.
func words(field string) (list []any) {
	switch field {
	case "status":
		for _, s := range schema.Statuses() {
			list = append(list, s)
		}
	case "mode":
		list = []any{schema.ModeExclusive, schema.ModeShared}
	case "type":
		list = []any{
			schema.EventGranted, schema.EventReleased, schema.EventExpired, schema.EventOrphaned,
			schema.EventForced, schema.EventQueued, schema.EventCanceled,
		}
	}
	return list
}

// bounded adds the bounds of a field of the protocol to its schema.
func bounded(field string, s *huma.Schema) *huma.Schema {
	lengths := map[string]int{
		"realm": schema.MaxRealm, "name": schema.MaxName, "client": schema.MaxClient, "owner": schema.MaxOwner,
		"session": schema.MaxSession, "request": schema.MaxID, "reason": schema.MaxReason, "cursor": schema.MaxCursor,
	}
	ranges := map[string][2]float64{
		"token": {1, schema.MaxToken}, "ttl_ms": {0, schema.MaxTTL}, "wait_ms": {0, schema.MaxWait},
		"size": {0, schema.MaxSize}, "limit": {1, schema.MaxListLimit},
	}
	if most, ok := lengths[field]; ok && s.Type == huma.TypeString {
		s.MaxLength = &most
	}
	if bounds, ok := ranges[field]; ok && s.Type == huma.TypeInteger {
		s.Minimum, s.Maximum = &bounds[0], &bounds[1]
	}
	return s
}

// The bodies of the compatible calls, as form.go reads them.

func text(description string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: description}
}

func objectOf(properties map[string]*huma.Schema, required ...string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Properties: properties, Required: required, AdditionalProperties: true}
}

func listOf(item *huma.Schema) *huma.Schema { return &huma.Schema{Type: huma.TypeArray, Items: item} }

func keysSchema() *huma.Schema {
	return &huma.Schema{Description: "The locks: one, or several", AnyOf: []*huma.Schema{text(""), listOf(text(""))}}
}

func lockKeySchema() *huma.Schema {
	version := bounded("token", &huma.Schema{Type: huma.TypeInteger, Format: "int64", Description: "The token of the hold"})
	return objectOf(map[string]*huma.Schema{"key": text("The lock"), "version": version}, "key", "version")
}

func lockForm() *huma.Schema {
	least, most := float64(0), float64(schema.MaxTTL)
	return objectOf(map[string]*huma.Schema{
		"uid": text("Who asks: client and owner"), "keys": keysSchema(),
		"exp": {Type: huma.TypeInteger, Minimum: &least, Maximum: &most, Description: "How long to hold them, in milliseconds"},
	}, "uid", "keys")
}

func lockAnswer() *huma.Schema {
	shape := func() map[string]*huma.Schema {
		return map[string]*huma.Schema{"tokens": listOf(lockKeySchema()), "error": text("locked, when one of them is held by another")}
	}
	both := shape()
	both["lock"] = objectOf(shape())
	return objectOf(both, "lock")
}

func unlockForm() *huma.Schema {
	return objectOf(map[string]*huma.Schema{
		"uid": text("Who asks"), "tokens": listOf(lockKeySchema()), "keys": listOf(lockKeySchema()),
	}, "uid")
}

func unlockAnswer() *huma.Schema {
	return objectOf(map[string]*huma.Schema{"unlocked": listOf(text(""))}, "unlocked")
}

func checkForm() *huma.Schema {
	return objectOf(map[string]*huma.Schema{"keys": keysSchema()}, "keys")
}

func checkAnswer() *huma.Schema {
	return objectOf(map[string]*huma.Schema{"locked": {Type: huma.TypeBoolean}}, "locked")
}

func errorAnswer() *huma.Schema {
	return objectOf(map[string]*huma.Schema{"message": text(""), "name": text(""), "type": text("")}, "message", "name", "type")
}
