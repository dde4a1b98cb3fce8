package locker

import (
	"encoding/json"
	"slices"

	"github.com/natslock/natslock/schema"
)

// The members of records and requests.
const (
	fieldResource = "resource"
	fieldDetails  = "details"
	fieldID       = "resourceID"
	fieldRealm    = "realm"
	fieldClient   = "client_id"
	fieldSIDs     = "sids"
)

// owned are the details that say whose a lock is, which clients cannot choose.
var owned = []string{fieldRealm, fieldClient, fieldSIDs}

// record is a lock as clients see it.
type record struct {
	id       string
	resource json.RawMessage
	details  object // but the owned ones
	realm    string
	client   string
	sids     []string
}

// kept is what the service keeps of a lock: its meta, and what that says.
type kept struct {
	meta     schema.Meta
	resource json.RawMessage
	details  object // but the owned ones
}

// keep is what is kept of a lock that is taken. What does not fit is refused later.
func keep(resource json.RawMessage, own object) kept {
	meta := metaOf(resource, own)
	form, err := schema.ParseMeta(meta)
	if err != nil {
		return kept{meta: meta}
	}
	return keptIn(form)
}

// keptIn reads a meta. That of a lock which others have taken may have no resource.
func keptIn(meta schema.Meta) kept {
	k := kept{meta: meta, resource: null}
	all, err := parseObject(json.RawMessage(meta))
	if err != nil {
		return k
	}
	if resource := all.get(fieldResource); resource != nil {
		k.resource = resource
	}
	if details, err := parseObject(all.get(fieldDetails)); err == nil {
		k.details = details.without(owned...)
	}
	return k
}

// record is the record of a hold of which that is kept.
func (k *kept) record(realm, id string, h *schema.Holder) record {
	return record{id: id, resource: k.resource, details: k.details, realm: realm, client: h.Client, sids: sidsOf(h)}
}

// recordOf is the record of a hold.
func recordOf(realm, id string, h *schema.Holder) record {
	k := keptIn(h.Meta)
	return k.record(realm, id, h)
}

// sidsOf are the sockets that have a part in a hold.
func sidsOf(h *schema.Holder) []string {
	sids := make([]string, 0, len(h.Sessions))
	for _, s := range h.Sessions {
		sids = append(sids, sidOf(s))
	}
	return sids
}

// sidOf is the socket that a session stands for.
func sidOf(session string) string {
	presence, leaf := schema.SplitSession(session)
	if leaf == "" {
		return presence
	}
	return leaf
}

// joined is the record with another socket.
func (r record) joined(sid string) record {
	if !slices.Contains(r.sids, sid) {
		r.sids = append(slices.Clone(r.sids), sid)
	}
	return r
}

// left is the record without a socket.
func (r record) left(sid string) record {
	r.sids = slices.DeleteFunc(slices.Clone(r.sids), func(s string) bool { return s == sid })
	return r
}

// text writes the record.
func (r record) text() json.RawMessage {
	return r.append(make([]byte, 0, recordRoom+r.size()))
}

// recordRoom is how much a record is longer than its resource and details, mostly.
const recordRoom = 256

func (r *record) append(to []byte) []byte {
	to = append(to, `{"`+fieldResource+`":`...)
	to = append(to, r.resource...)
	to = append(to, `,"`+fieldDetails+`":{`...)
	for _, m := range r.details {
		to = append(quote(to, m.name), ':')
		to = append(append(to, m.value...), ',')
	}
	to = quote(append(to, `"`+fieldRealm+`":`...), r.realm)
	to = quote(append(to, `,"`+fieldClient+`":`...), r.client)
	to = quoteAll(append(to, `,"`+fieldSIDs+`":`...), r.sids)
	to = quote(append(to, `},"`+fieldID+`":`...), r.id)
	return append(to, '}')
}

// ownedBy writes details with those that say whose they are.
func ownedBy(details object, realm, client string, sids json.RawMessage) json.RawMessage {
	return details.with(member{fieldRealm, encode(realm)}, member{fieldClient, encode(client)}, member{fieldSIDs, sids}).text()
}

// metaOf is the meta of a lock.
func metaOf(resource json.RawMessage, details object) schema.Meta {
	return schema.Meta(object{{fieldResource, resource}, {fieldDetails, details.text()}}.text())
}
