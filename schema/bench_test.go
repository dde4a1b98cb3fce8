package schema

import (
	"testing"
	"time"
)

var typicalAcquire = &Acquire{
	Name: "orders/eu/4711", Client: "worker-17", Owner: "HqZ1lZ9hVVw0mF", Session: "0QW8pXnGkLk3tRj2",
	Request: "d1bJvXl2rWkZ8Q", TTL: pointer[int64](30_000), Wait: 5_000,
}

var typicalReply = &Reply{
	Status: StatusGranted, Name: "orders/eu/4711", Token: 268_435_456_001, Owner: "HqZ1lZ9hVVw0mF",
	TTL: pointer[int64](30_000), Count: pointer[int64](1),
}

var typicalEvent = &Event{
	Type: EventReleased, Realm: "default", Name: "orders/eu/4711", Client: "worker-17", Owner: "HqZ1lZ9hVVw0mF",
	Session: "0QW8pXnGkLk3tRj2", Token: 268_435_456_001, Mode: ModeExclusive, Reason: "release",
	Waited: pointer[int64](12), Held: pointer[int64](345), At: time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC),
}

func benchmarkAppend(b *testing.B, e Encoding, m Message) {
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = Append(dst[:0], e, m)
	}
	b.SetBytes(int64(len(dst)))
}

func benchmarkDecode[T any, P interface {
	*T
	Message
}](b *testing.B, e Encoding, m P) {
	body := Append(nil, e, m)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var got T
		if err := Decode(e, body, P(&got)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendAcquireJSON(b *testing.B)        { benchmarkAppend(b, JSON, typicalAcquire) }
func BenchmarkAppendAcquireMessagePack(b *testing.B) { benchmarkAppend(b, MessagePack, typicalAcquire) }
func BenchmarkAppendReplyJSON(b *testing.B)          { benchmarkAppend(b, JSON, typicalReply) }
func BenchmarkAppendReplyMessagePack(b *testing.B)   { benchmarkAppend(b, MessagePack, typicalReply) }
func BenchmarkAppendEventJSON(b *testing.B)          { benchmarkAppend(b, JSON, typicalEvent) }
func BenchmarkDecodeAcquireJSON(b *testing.B)        { benchmarkDecode(b, JSON, typicalAcquire) }
func BenchmarkDecodeAcquireMessagePack(b *testing.B) { benchmarkDecode(b, MessagePack, typicalAcquire) }
func BenchmarkDecodeReplyJSON(b *testing.B)          { benchmarkDecode(b, JSON, typicalReply) }
func BenchmarkDecodeReplyMessagePack(b *testing.B)   { benchmarkDecode(b, MessagePack, typicalReply) }

func BenchmarkParseSubject(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSubject("lock.default.acquire.worker-17"); err != nil {
			b.Fatal(err)
		}
	}
}
