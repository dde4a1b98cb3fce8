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

// recordOf is the record of a hold. One that others have taken may have no resource.
func recordOf(realm, id string, h *schema.Holder) record {
	r := record{id: id, realm: realm, client: h.Client, resource: null, sids: sidsOf(h)}
	if meta, err := parseObject(json.RawMessage(h.Meta)); err == nil {
		if resource := meta.get(fieldResource); resource != nil {
			r.resource = resource
		}
		if details, err := parseObject(meta.get(fieldDetails)); err == nil {
			r.details = details.without(owned...)
		}
	}
	return r
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
