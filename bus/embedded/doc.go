// Package embedded runs a NATS server inside the process: listener, accounts,
// JetStream in a data directory. It is the only package that links nats-server.
//
// There are two accounts. NATSLOCK is for everybody: workers connect to it
// within the process, with a secret that is made anew at each start; callers
// come through the listener without any, and may do everything but write to the
// store, use the JetStream API, or publish what only workers publish. SYS is
// the system account, for the process itself.
//
// Start either runs a whole server or none: each reason why it cannot is one
// error that names what is wrong, and leaves the data directory as it was.
package embedded
