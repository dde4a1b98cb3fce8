package lock

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/natslock/natslock/schema"
)

func acq(i int, wait int64) Acquire {
	return Acquire{Attempt: Identify("c", fmt.Sprint(i)), Client: "orders-service", Owner: fmt.Sprintf("owner-%016d", i),
		Session: Session{fmt.Sprintf("presence-%012d/leaf-%d", i, i), 1e12, 10000, 2000}, Mode: schema.ModeExclusive,
		Wait: wait, Inbox: Inbox{fmt.Sprintf("_INBOX.abcdefghijklmnopqrstuv.%022d", i), 1}, At: 1754000000000, TTL: 30000}
}

func TestSmoke(t *testing.T) {
	r := Record{}
	rev := uint64(900_000_000_000)
	var o Outcome
	for i := range 65 {
		r, o = Step(r, acq(i, 10000))
		rev++
		got, err := Decode(r.Append(nil), rev)
		if err != nil || !reflect.DeepEqual(got, r.Seal(rev)) {
			t.Fatalf("%v\n%+v\n%+v", err, got, r.Seal(rev))
		}
		r = got
	}
	t.Logf("%d bytes, weight %d; %+v", len(r.Append(nil)), r.weight(), o)
	r, o = Step(r, Release{Token: r.Holds[0].Token})
	t.Logf("%+v %+v", o, o.Reply)
}

func BenchmarkHandover(b *testing.B) {
	for _, n := range []int{1, 64, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := Record{}
			for i := range n + 1 {
				r, _ = Step(r, acq(i, 10000))
			}
			rev := uint64(900_000_000_000)
			r = r.Seal(rev)
			next := make([]Acquire, 1024)
			for i := range next {
				next[i] = acq(i+n+1, 10000)
			}
			var buf []byte
			b.ReportAllocs()
			k := 0
			for b.Loop() {
				f := NewFold(r)
				o := f.Apply(Release{Token: r.Holds[0].Token})
				f.Apply(next[k%1024])
				k++
				r = f.Record()
				buf = r.Append(buf[:0])
				rev++
				r = r.Seal(rev)
				o.Seal(rev)
				if len(r.Waiters) != n || len(o.Answers) != 1 {
					b.Fatal(len(r.Waiters), o)
				}
			}
		})
	}
}
