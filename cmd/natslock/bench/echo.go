package bench

import (
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// echoSubject begins the subjects of the echo.
const echoSubject = "natslockbench.echo."

// undo is a reply subject as long as that of the service's grants.
var undo = bus.Reserved + ".echo." + strings.Repeat("0", 49) + "." + schema.EscapeToken(Realm) + "." + schema.EscapeToken(separateName(0, 0))

// ServeEcho answers each acquire and release under the echo's subjects with a
// reply of the length that the service's has, until the Service is stopped. It
// does not read requests and answers all alike: it is what NATS alone costs.
func ServeEcho(nc *nats.Conn) (*bus.Service, error) {
	ttl, count := int64(30_000), int64(1)
	granted := schema.Reply{
		Status: schema.StatusGranted, Name: separateName(0, 0), Token: 1 << 50, Owner: ownerName(0), TTL: &ttl, Count: &count,
	}
	released := schema.Reply{Status: schema.StatusReleased, Name: separateName(0, 0)}
	return bus.Serve(nc, bus.ServiceConfig{
		Name:        "natslockbench",
		Version:     "1.0.0",
		Description: "Echo for natslock bench",
		Endpoints: []bus.Endpoint{
			echo(nc, schema.VerbAcquire, &granted, undo),
			echo(nc, schema.VerbRelease, &released, ""),
		},
	})
}

func echo(nc *nats.Conn, v schema.Verb, reply *schema.Reply, undo string) bus.Endpoint {
	response := bus.Response{
		ContentType: schema.MessagePack.ContentType(),
		Body:        schema.Append(nil, schema.MessagePack, reply),
		Undo:        undo,
	}
	return bus.Endpoint{Name: string(v), Subject: echoSubject + string(v), Handler: func(r *bus.Request) {
		if err := bus.Respond(nc, r.Reply, response); err != nil {
			r.CountError(err.Error())
		}
	}}
}
