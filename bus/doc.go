// Package bus is NATS made small: what natslock needs of it and no more.
// Everything that has to be known about NATS headers, subjects of the JetStream
// API and error codes is in here; the packages above see keys, revisions,
// requests and answers.
//
//	Connect      a connection with the defaults that suit locks
//	OpenBucket   a Store: a key-value bucket with compare-and-set
//	Serve        requests of a subject, as a NATS micro service
//	Respond      an answer to an inbox, PublishEvent an event
//	Unheard      which published answers found nobody listening
//	NewCaller    requests and answers, for clients
//	Local        spares those of one process the way over the server
//
// # The store
//
// A Bucket is a JetStream stream that any key-value client can read: subjects
// $KV.<name>.<key>, one message for each key. A write is a message with the
// revision that its key must be at, several writes are an atomic batch. The
// revision of a write is its sequence in the stream, so revisions grow over the
// whole bucket and are never given twice, also not after a key was dropped.
//
// An outcome is one of four. It is stored and has a revision; it is certain
// that nothing was stored (ErrConflict, ErrUnavailable, ErrTooLarge); or nobody
// can tell (ErrUnknown), which includes that it may yet be stored. Only an
// answer of the server is taken as certainty, and only if the server gives that
// answer before it has handed the write to anybody.
package bus
