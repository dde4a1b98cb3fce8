package bus

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
)

// Departures calls closed for each client connection of an account that a server
// closes or finds dead, by the server's id and the connection's id there, until
// stop is called. nc is a connection to the system account, and sees all servers of
// a cluster. What is closed while nc has no connection is not told. closed must not
// block. Errors: those of the subscription.
//
// The events are those of nats-server's system account
// ($SYS.ACCOUNT.<account>.DISCONNECT): https://docs.nats.io/running-a-nats-service/configuration/sys_accounts
func Departures(nc *nats.Conn, account string, closed func(server string, cid uint64)) (stop func() error, err error) {
	sub, err := nc.Subscribe("$SYS.ACCOUNT."+account+".DISCONNECT", func(m *nats.Msg) {
		var e struct {
			Server struct{ ID string }
			Client struct{ ID uint64 }
		}
		if json.Unmarshal(m.Data, &e) == nil && e.Server.ID != "" {
			closed(e.Server.ID, e.Client.ID)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("watch disconnects: %w", err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("watch disconnects: %w", err)
	}
	if err := nc.Flush(); err != nil {
		return nil, fmt.Errorf("watch disconnects: %w", err)
	}
	return func() error { return gone(sub.Unsubscribe()) }, nil
}
