// Package bench measures a natslock service beside an echo over the same NATS.
//
// A figure alone says more about the machine than about the service. So each
// point is measured twice in turns, slice by slice, by the same code: requests
// to the service, and requests of the same size to a responder that answers
// with what a grant looks like and stores nothing. The responder is in the
// service's process, on a connection like the worker's. What both sides share,
// the client, the network, NATS and the drift of a busy machine, cancels out in
// the ratio.
//
//	separate names   each caller acquires and releases its own 16 names in turn
//	one hot name     all wait for one name; who is granted releases at once
//	held locks       many locks held; memory, and time to start again
//	kill             from the death of a holder to the grant of who waits
//	sessions         what many cost, and how soon everything is free when they die
//	idle             separate names without sessions, beside many, and beside as many echoes
//
// Sessions live in processes of their own, crowds, which are told what to do by
// lines on their standard input and can be killed.
//
// Latencies are exact: all samples of a point are kept and sorted. What a slice
// does first is not counted, but warms it up.
package bench
