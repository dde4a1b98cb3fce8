package embedded

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/natslock/natslock/bus"
)

const (
	workerUser = "worker"
	callerUser = "caller"
	systemUser = "system"

	systemAccount = "SYS"
)

var (
	// unpublished is what callers may not publish: writes to the store, the
	// JetStream API and its flow control, requests to the server itself (it
	// would answer at any reply subject), events, and what workers say among
	// themselves.
	unpublished = []string{"$KV.>", "$O.>", "$JS.>", "$JSC.>", "$SYS.>", "lockevent.>", bus.Reserved + ".>"}

	// unheard is what callers may not subscribe to: the store, what workers say
	// among themselves and what the store says to them, and requests, which
	// they could take away from the workers.
	unheard = []string{"$KV.>", "$O.>", "$JS.>", "$JSC.>", "lock.>", bus.Reserved + ".>"}
)

// workerInbox is the prefix of the inboxes of workers, where no caller can
// listen or pretend to be the store.
const workerInbox = bus.Reserved + ".inbox"

// secrets are the passwords of the users. They are made at each start and never
// leave the process.
type secrets struct{ worker, caller, system string }

func newSecrets() secrets {
	return secrets{worker: rand.Text(), caller: rand.Text(), system: rand.Text()}
}

// accounts is the part of the server's configuration that says who may do what.
func (s secrets) accounts() string {
	return fmt.Sprintf(`
accounts {
  %s {
    jetstream: enabled
    users: [
      { user: %s, password: %q }
      { user: %s, password: %q, permissions: { publish: { deny: ["%s"] }, subscribe: { deny: ["%s"] } } }
    ]
  }
  %s { users: [ { user: %s, password: %q } ] }
}
system_account: %s
no_auth_user: %s
`,
		Account, workerUser, s.worker, callerUser, s.caller, strings.Join(unpublished, `", "`), strings.Join(unheard, `", "`),
		systemAccount, systemUser, s.system, systemAccount, callerUser)
}
