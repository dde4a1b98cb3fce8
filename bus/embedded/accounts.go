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

// reserved is what callers may not publish: writes to the store, the JetStream
// API and its flow control, events, and what workers say among themselves.
var reserved = []string{
	"$KV.>", "$O.>", "$JS.>", "$JSC.>", "$SYS.>",
	"lockevent.>", bus.Reserved + ".>",
}

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
      { user: %s, password: %q, permissions: { publish: { deny: ["%s"] } } }
    ]
  }
  %s { users: [ { user: %s, password: %q } ] }
}
system_account: %s
no_auth_user: %s
`,
		Account, workerUser, s.worker, callerUser, s.caller, strings.Join(reserved, `", "`),
		systemAccount, systemUser, s.system, systemAccount, callerUser)
}
