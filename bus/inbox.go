package bus

import "strings"

// Reserved is the first token of the subjects that workers use among
// themselves: only they may publish there. The server's own answers (nobody
// listens) reach them there all the same.
const Reserved = "$NATSLOCK"

// MaxInbox is the longest reply subject, in bytes, that is answered. A subject
// near the server's limit of 4096 for a protocol line would cost the worker its
// connection.
const MaxInbox = 512

// SafeInbox tells whether an answer may be published to a subject that a caller
// chose. It refuses what could do harm with the rights of a worker: subjects
// that begin with $ (the store, the JetStream API, the system, services), the
// requests and events of natslock itself, and what is no subject at all.
func SafeInbox(subject string) bool {
	if subject == "" || len(subject) > MaxInbox || subject[0] == '$' {
		return false
	}
	start := true // of a token
	for i := range len(subject) {
		switch c := subject[i]; {
		case c == '.' && start, c == '*', c == '>', c <= ' ', c == 0x7f:
			return false
		default:
			start = c == '.'
		}
	}
	if start {
		return false
	}
	first, _, _ := strings.Cut(subject, ".")
	return first != "lock" && first != "lockevent"
}
