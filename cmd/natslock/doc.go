// Command natslock is a distributed lock service on NATS JetStream, and its
// callers' tool.
//
//	serve                     the service: a NATS server, its store and a worker
//	run                       hold a lock while a command runs
//	acquire release renew     one hold, by hand
//	inspect list watch        who holds what, who waits, what happens
//	force                     end a hold, whoever has it
//	bench                     measure, beside an echo over the same NATS
//	version completion        about the program itself
//
// Each command is a struct of flags with a Run method, in the file of its name.
// Main parses, runs, and turns an error into one line on standard error and an
// exit status:
//
//	0    done
//	1    the answer is no: held, timeout, not_held, size_mismatch, canceled
//	2    the request makes no sense: usage, invalid
//	3    nobody could answer, or what was held is lost
//	4    not allowed: denied, limit
//	128+n  ended by signal n
//
// run has its own, because those below 124 are its command's: 124 not granted in
// time, 125 a failure of its own or the lock was lost, 126 and 127 the command
// cannot be run or found.
//
// What goes to standard output is for people if that is a terminal, and else
// plain text with a stable form, or with --json the protocol's replies. Every
// flag can be given as NATSLOCK_<FLAG> in the environment; the command line has
// precedence.
package main
