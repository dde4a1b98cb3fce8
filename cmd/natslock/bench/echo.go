package bench

import (
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// echoSubject begins the subjects of the echo.
const echoSubject = "natslockbench.echo."

// ServeEcho answers each acquire and release under the echo's subjects with a
// reply such as the service would give, until the Service is stopped.
func ServeEcho(nc *nats.Conn) (*bus.Service, error) {
	ttl, count := int64(30_000), int64(1)
	granted := schema.Reply{
		Status: schema.StatusGranted, Name: separateName(0, 0), Token: 1 << 50, Owner: ownerName(0), TTL: &ttl, Count: &count,
	}
	return bus.Serve(nc, bus.ServiceConfig{
		Name:        "natslockbench",
		Version:     "1.0.0",
		Description: "Echo for natslock bench",
		Endpoints: []bus.Endpoint{
			echo(nc, schema.VerbAcquire, &granted, bus.Reserved+".echo.00000000000000000000"),
			echo(nc, schema.VerbRelease, &schema.Reply{Status: schema.StatusReleased}, ""),
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
