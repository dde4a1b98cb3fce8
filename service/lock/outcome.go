package lock

import "github.com/natslock/natslock/schema"

// Outcome says what follows from a command, once the record is stored (or, if
// nothing Changed, once the leader of the store has confirmed the record it
// rests on). Tokens in it are not sealed until Seal.
type Outcome struct {
	Reply   *schema.Reply // to the command's caller; nil if there is nothing to say yet
	Repeat  uint8         // if Reply grants: which answer to the attempt it is; with MaxRepeats it is none that Undo knows
	Answers []Answer      // to waiting attempts, in order of decision
	Events  []Event       // in order of happening
	Changed bool          // the record is another than before
}

// Answer decides a waiting attempt.
type Answer struct {
	Attempt Attempt
	Inbox   Inbox
	Reply   schema.Reply
}
