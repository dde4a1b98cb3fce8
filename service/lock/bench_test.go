package lock

import (
	"fmt"
	"runtime/debug"
	"testing"

	"github.com/natslock/natslock/schema"
)

// benchAcquire is an acquire as a client sends it: of a leaf session, waiting.
func benchAcquire(n int) Acquire {
	return Acquire{
		Attempt: Attempt(n + 1), Client: "orders-service", Owner: fmt.Sprintf("owner-%016d", n),
		Session: Session{ID: fmt.Sprintf("presence-%012d/leaf-%d", n, n), Epoch: 1e12, TTL: 10_000, Grace: 2_000},
		Mode:    schema.ModeExclusive, DefaultTTL: true, Wait: 10_000, At: 1_754_000_000_000,
		Inbox: Inbox{Subject: fmt.Sprintf("_INBOX.abcdefghijklmnopqrstuv.%022d", n), Encoding: schema.MessagePack},
	}
}

// benchRecord is a lock that is held, with waiters, and with as many ends to
// remember as a busy lock has.
func benchRecord(waiters int) Record {
	f := NewFold(Record{})
	for n := range MaxEnded {
		f.Apply(Cancel{Attempt: Attempt(1<<40 + n)})
	}
	for n := range waiters + 1 {
		f.Apply(benchAcquire(n))
	}
	return f.Record().Seal(benchRevision)
}

const benchRevision = 900_000_000_000

// One hand-over: a release, the next grant, an acquire that queues, and all
// that the worker does with the record of the write. The collector runs as
// rarely as in a process whose heap is not almost empty.
func BenchmarkHandOver(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	for _, waiters := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(waiters), func(b *testing.B) {
			acquires := make([]Acquire, 1024)
			for i := range acquires {
				acquires[i] = benchAcquire(i)
			}
			r, n := benchRecord(waiters), waiters+1
			var value []byte
			b.ReportAllocs()
			for b.Loop() {
				f := NewFold(r)
				o := f.Apply(Release{Token: r.Holds[0].Token})
				f.Apply(acquires[n%len(acquires)])
				n++
				value = f.Record().Append(value[:0])
				r = f.Record().Seal(benchRevision + uint64(n))
				o.Seal(benchRevision + uint64(n))
				if len(r.Waiters) != waiters || len(o.Answers) != 1 {
					b.Fatalf("%d waiters, %d answers", len(r.Waiters), len(o.Answers))
				}
			}
			b.ReportMetric(float64(len(value)), "bytes/record")
		})
	}
}

// One caller alone: acquire and release, a write each.
func BenchmarkAcquireRelease(b *testing.B) {
	a := benchAcquire(0)
	var value []byte
	b.ReportAllocs()
	for b.Loop() {
		r, o := Step(Record{}, a)
		value = r.Append(value[:0])
		o.Seal(benchRevision)
		r, _ = Step(r.Seal(benchRevision), Release{Token: Token(o.Reply.Token)})
		value = r.Append(value[:0])
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, waiters := range []int{0, 64} {
		b.Run(fmt.Sprint(waiters), func(b *testing.B) {
			value := benchRecord(waiters).Append(nil)
			b.ReportAllocs()
			b.SetBytes(int64(len(value)))
			for b.Loop() {
				if _, err := Decode(value, benchRevision); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkIdentify(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Identify("orders-service", "3f0c6d0e-4a53-4f0e-9b5b-2f1a7d6c8e90")
	}
}
