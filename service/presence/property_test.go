package presence_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/presence"
)

// store is one key of a store with revisions, as the worker writes it.
type store struct {
	record   presence.Record
	revision uint64
	epochs   map[uint64]bool // true while open
}

func (s *store) step(c presence.Command) (before presence.Record, reply schema.Reply, changed bool) {
	before = s.record
	after, reply, changed := presence.Step(s.record, c)
	if changed {
		s.revision++
		value, err := presence.Decode(after.Append(nil), s.revision)
		if err != nil {
			panic(err)
		}
		s.record = value
		if reply.Status == schema.StatusOK && reply.TTL != nil {
			reply.Epoch = value.Epoch
		}
	}
	return before, reply, changed
}

var clients = rapid.SampledFrom([]string{"c", "d"})

func drawKeepalive(t *rapid.T, epochs map[uint64]bool, last uint64) presence.Keepalive {
	k := presence.Keepalive{
		Client: clients.Draw(t, "client"), Named: rapid.Bool().Draw(t, "named"), Create: rapid.Bool().Draw(t, "create"),
		N: rapid.SampledFrom([]uint64{0, last - min(last, 1), last, last + 1, last + 2}).Draw(t, "n"), DefaultTTL: 9_000, DefaultGrace: 1_000,
	}
	k.Epoch = drawEpoch(t, epochs)
	if rapid.Bool().Draw(t, "says more") {
		k.TTL, k.Grace, k.Server, k.CID = ms(rapid.SampledFrom([]int64{9_000, 20_000}).Draw(t, "ttl")), ms(0), "T", 9
	}
	return k
}

// drawEpoch draws the epoch of an opening that was, of none, or no epoch.
func drawEpoch(t *rapid.T, epochs map[uint64]bool) uint64 {
	known := []uint64{0, 1 << 40}
	for e := range epochs {
		known = append(known, e)
	}
	slices.Sort(known)
	return rapid.SampledFrom(known).Draw(t, "epoch")
}

func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := store{revision: 100, epochs: map[uint64]bool{}}
		t.Repeat(map[string]func(*rapid.T){
			"keepalive": func(t *rapid.T) { s.keepalive(t, drawKeepalive(t, s.epochs, s.record.N)) },
			"leave": func(t *rapid.T) {
				c := presence.Leave{
					Client: clients.Draw(t, "client"), Named: rapid.Bool().Draw(t, "named"), Epoch: drawEpoch(t, s.epochs),
				}
				before, reply, changed := s.step(c)
				if c.Named && before.State != presence.Unknown && before.Client != c.Client && (changed || reply.Status != schema.StatusDenied) {
					t.Errorf("invariant 6: %+v by %+v", before, c)
				}
				if changed && c.Epoch != 0 && c.Epoch != before.Epoch {
					t.Errorf("invariant 9: %+v by %+v", before, c)
				}
				s.closed(t, before)
			},
			"expire": func(t *rapid.T) {
				before, _, _ := s.step(presence.Expire{State: presence.Silent})
				s.closed(t, before)
			},
		})
	})
}

func (s *store) keepalive(t *rapid.T, k presence.Keepalive) {
	before, reply, changed := s.step(k)
	ok := reply.Status == schema.StatusOK
	opened := changed && before.Epoch != s.record.Epoch
	switch {
	case opened && s.epochs[s.record.Epoch], opened && s.record.Epoch != s.revision:
		t.Errorf("invariant 1: epoch %d at revision %d", s.record.Epoch, s.revision)
	case opened && k.Epoch != 0, ok && k.Epoch != 0 && k.Epoch != s.record.Epoch:
		t.Errorf("invariants 2, 3: %+v by %+v", before, k)
	case k.N != 0 && k.N <= before.N && changed:
		t.Errorf("invariant 4: %+v by %+v", before, k)
	case opened && before.State == presence.Left && k.N <= before.N:
		t.Errorf("invariant 5: %+v by %+v", before, k)
	case k.Named && before.State != presence.Unknown && before.Client != k.Client && (ok || changed):
		t.Errorf("invariant 6: %+v by %+v", before, k)
	case opened && !k.Create, !opened && before.State != s.record.State:
		t.Errorf("invariant 7: %+v by %+v", before, k)
	case changed && !opened && k.TTL == nil && (s.record.TTL != before.TTL || s.record.Grace != before.Grace),
		changed && !opened && k.Server == "" && (s.record.Server != before.Server || s.record.CID != before.CID),
		changed && !opened && s.record.Client != before.Client:
		t.Errorf("invariant 8: %+v became %+v", before, s.record)
	}
	if ok && (s.record.State != presence.Open || reply.Epoch != s.record.Epoch || (reply.TTL == nil) != (k.N != 0 && k.N < before.N) || reply.TTL != nil && *reply.TTL != s.record.TTL) {
		t.Errorf("told %+v of %+v", reply, s.record)
	}
	counted := uint64(0)
	if terms := s.record.TTL != before.TTL || s.record.Grace != before.Grace; terms && !opened {
		counted = 1
	}
	if opened && s.record.Change != 0 || !opened && s.record.Change != before.Change+counted {
		t.Errorf("invariant 10: %+v by %+v became %+v", before, k, s.record)
	}
	if s.record.State == presence.Open {
		s.epochs[s.record.Epoch] = true
	}
}

// closed checks what an end did.
func (s *store) closed(t *rapid.T, before presence.Record) {
	if s.record.Change != before.Change {
		t.Errorf("invariant 10: %+v became %+v", before, s.record)
	}
	if s.record.Epoch != before.Epoch || before.State != presence.Open && s.record != before {
		t.Errorf("invariants 2, 7: %+v became %+v", before, s.record)
	}
}
