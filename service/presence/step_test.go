package presence_test

import (
	"testing"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/presence"
)

func ms(n int64) *int64 { return &n }

var (
	open    = presence.Record{Client: "c", Epoch: 7, TTL: 10_000, Grace: 2_000, Server: "S", CID: 4, N: 5, Opened: 1, State: presence.Open}
	left    = in(presence.Left)
	silent  = in(presence.Silent)
	unknown = presence.Record{}
)

func in(s presence.State, told ...bool) presence.Record {
	r := open
	r.State, r.Told = s, len(told) > 0
	return r
}

// changed is r with other terms than it was opened with.
func changed(r presence.Record) presence.Record {
	r.Change = 3
	return r
}

// create is a keepalive that opens.
func create(n uint64) presence.Keepalive {
	return presence.Keepalive{Client: "c", Create: true, N: n, DefaultTTL: 9_000, DefaultGrace: 1_000}
}

func TestKeepalive(t *testing.T) {
	fresh := presence.Record{Client: "c", TTL: 9_000, Grace: 1_000, State: presence.Open}
	counted := func(r presence.Record, n uint64) presence.Record { r.N = n; return r }
	moved := open
	moved.TTL, moved.Grace, moved.Server, moved.CID, moved.Told, moved.N, moved.Change = 20_000, 0, "T", 9, true, 6, 1
	hastier := moved
	hastier.Grace, hastier.N, hastier.Told, hastier.Change = 500, 7, false, 2
	longer := fresh
	longer.TTL = 20_000
	for _, test := range []struct {
		name    string
		before  presence.Record
		command presence.Keepalive
		status  schema.Status
		after   presence.Record
		changed bool
	}{
		{"opens with create", unknown, create(0), schema.StatusOK, fresh, true},
		{"counts from its opening", unknown, create(3), schema.StatusOK, counted(fresh, 3), true},
		{"opens with other terms than the default ones (10)", unknown, presence.Keepalive{Create: true, Client: "c", TTL: ms(20_000), DefaultGrace: 1_000}, schema.StatusOK, longer, true},
		{"does not open without create", unknown, presence.Keepalive{Client: "c"}, schema.StatusSessionExpired, unknown, false},
		{"does not open with an epoch (3)", unknown, presence.Keepalive{Create: true, Epoch: 7}, schema.StatusSessionExpired, unknown, false},
		{"is a write that changes nothing else (8)", open, presence.Keepalive{Client: "c"}, schema.StatusOK, open, true},
		{"without the connection", in(presence.Open, true), presence.Keepalive{Client: "c"}, schema.StatusOK, open, true},
		{"with the epoch", open, presence.Keepalive{Epoch: 7, N: 6}, schema.StatusOK, counted(open, 6), true},
		{"with another epoch (3)", open, presence.Keepalive{Epoch: 8, Create: true}, schema.StatusSessionExpired, open, false},
		{"with all it can say", open, presence.Keepalive{TTL: ms(20_000), Grace: ms(0), Server: "T", CID: 9, N: 6}, schema.StatusOK, moved, true},
		{"with another grace (10)", moved, presence.Keepalive{TTL: ms(20_000), Grace: ms(500), N: 7}, schema.StatusOK, hastier, true},
		{"with the same terms (10)", open, presence.Keepalive{TTL: ms(10_000), Grace: ms(2_000), N: 6}, schema.StatusOK, counted(open, 6), true},
		{"opens anew (10)", changed(silent), create(6), schema.StatusOK, counted(fresh, 6), true},
		{"once more (4)", open, presence.Keepalive{TTL: ms(20_000), N: 5}, schema.StatusOK, open, false},
		{"late (4)", open, presence.Keepalive{TTL: ms(20_000), N: 4}, schema.StatusOK, open, false},
		{"of another client, named (6)", open, presence.Keepalive{Client: "d", Named: true}, schema.StatusDenied, open, false},
		{"of another client, trusted", open, presence.Keepalive{Client: "d"}, schema.StatusOK, open, true},
		{"after leave, uncounted (5)", left, create(0), schema.StatusSessionExpired, left, false},
		{"after leave, a late copy (5)", left, create(5), schema.StatusSessionExpired, left, false},
		{"after leave, counted on (5)", left, create(6), schema.StatusOK, counted(fresh, 6), true},
		{"after leave, with the epoch (2)", left, presence.Keepalive{Epoch: 7, N: 9, Create: true}, schema.StatusSessionExpired, left, false},
		{"after silence", silent, create(0), schema.StatusOK, fresh, true},
		{"after silence, a late copy (4)", silent, create(5), schema.StatusSessionExpired, silent, false},
		{"after silence, without create (7)", silent, presence.Keepalive{N: 6}, schema.StatusSessionExpired, silent, false},
		{"after the end, of another client (6)", left, presence.Keepalive{Client: "d", Named: true, Create: true, N: 9}, schema.StatusDenied, left, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			after, reply, changed := presence.Step(test.before, test.command)
			if reply.Status != test.status || after != test.after || changed != test.changed {
				t.Errorf("%s (%s), %+v, changed %t; want %s, %+v, %t", reply.Status, reply.Message, after, changed, test.status, test.after, test.changed)
			}
			if ok := reply.Status == schema.StatusOK; ok && reply.Epoch != after.Epoch || !ok && reply.Message == "" {
				t.Errorf("reply %+v", reply)
			}
			if overtaken := reply.Status == schema.StatusOK && test.command.N != 0 && test.command.N < test.before.N; overtaken != (reply.Status == schema.StatusOK && reply.TTL == nil) ||
				reply.TTL != nil && *reply.TTL != after.TTL {
				t.Errorf("reply %+v", reply)
			}
		})
	}
}

func TestEnds(t *testing.T) {
	leaf := presence.Record{Client: "c", Epoch: 7, State: presence.Left}
	again := leaf
	again.Epoch = 6
	for _, test := range []struct {
		name    string
		before  presence.Record
		command presence.Command
		status  schema.Status
		after   presence.Record
		changed bool
	}{
		{"leave", open, presence.Leave{Client: "c", Named: true}, schema.StatusOK, left, true},
		{"leave of another client (6)", open, presence.Leave{Client: "d", Named: true}, schema.StatusDenied, open, false},
		{"leave of another client, trusted", open, presence.Leave{Client: "d"}, schema.StatusOK, left, true},
		{"leave of this opening", open, presence.Leave{Epoch: open.Epoch}, schema.StatusOK, left, true},
		{"leave of an earlier opening (9)", open, presence.Leave{Epoch: open.Epoch - 1}, schema.StatusOK, open, false},
		{"leave after other terms (10)", changed(open), presence.Leave{}, schema.StatusOK, changed(left), true},
		{"leave twice", left, presence.Leave{}, schema.StatusOK, left, false},
		{"leave after silence (2)", silent, presence.Leave{}, schema.StatusOK, silent, false},
		{"leave of nobody (7)", unknown, presence.Leave{}, schema.StatusOK, unknown, false},
		{"leave of a leaf", unknown, presence.LeaveLeaf{Presence: open}, schema.StatusOK, leaf, true},
		{"leave of a leaf twice", leaf, presence.LeaveLeaf{Presence: open}, schema.StatusOK, leaf, false},
		{"leave of a leaf of a later opening", again, presence.LeaveLeaf{Presence: open}, schema.StatusOK, leaf, true},
		{"silence", open, presence.Expire{State: presence.Silent}, schema.StatusOK, silent, true},
		{"disconnect", open, presence.Expire{State: presence.Disconnected}, schema.StatusOK, in(presence.Disconnected), true},
		{"silence after leave (2)", left, presence.Expire{State: presence.Silent}, schema.StatusOK, left, false},
		{"silence of nobody", unknown, presence.Expire{State: presence.Silent}, schema.StatusOK, unknown, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			after, reply, changed := presence.Step(test.before, test.command)
			if reply.Status != test.status || after != test.after || changed != test.changed {
				t.Errorf("%s, %+v, changed %t", reply.Status, after, changed)
			}
		})
	}
}

func TestAdmit(t *testing.T) {
	gone := presence.Record{Client: "c", Epoch: 7, State: presence.Left}
	before := gone
	before.Epoch = 6
	for _, test := range []struct {
		name           string
		presence, leaf presence.Record
		client         string
		named          bool
		want           schema.Status // "" is admitted
	}{
		{"open", open, unknown, "c", true, ""},
		{"open, of another client", open, unknown, "d", true, schema.StatusDenied},
		{"open, spoken for by a gateway", open, unknown, "d", false, ""},
		{"unknown", unknown, unknown, "c", true, schema.StatusSessionExpired},
		{"left", left, unknown, "c", false, schema.StatusCanceled},
		{"silent", silent, unknown, "c", false, schema.StatusSessionExpired},
		{"disconnected", in(presence.Disconnected), unknown, "c", false, schema.StatusSessionExpired},
		{"a leaf that has left", open, gone, "c", false, schema.StatusCanceled},
		{"a leaf of an earlier opening", open, before, "c", false, ""},
		{"a leaf of a silent presence", silent, gone, "c", false, schema.StatusSessionExpired},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got schema.Status
			if r := presence.Admit(test.presence, test.leaf, test.client, test.named); r != nil {
				got = r.Status
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
