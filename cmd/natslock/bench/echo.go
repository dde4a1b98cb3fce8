package bench

import (
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// echoSubject begins the subjects of the echo.
const echoSubject = "natslockbench.echo."

// ServeEcho answers each acquire and release under the echo's subjects with a
// reply such as the service would give, until the Service is stopped. Like the
// service it decodes and checks every request and encodes every reply; it
// stores nothing and decides nothing.
func ServeEcho(nc *nats.Conn) (*bus.Service, error) {
	return bus.Serve(nc, bus.ServiceConfig{
		Name:        "natslockbench",
		Version:     "1.0.0",
		Description: "Echo for natslock bench",
		Endpoints: []bus.Endpoint{
			echo(nc, schema.VerbAcquire, func(m *schema.Acquire) *schema.Reply {
				ttl, count := int64(30_000), int64(1)
				return &schema.Reply{Status: schema.StatusGranted, Name: m.Name, Token: 1 << 50, Owner: m.Owner, TTL: &ttl, Count: &count}
			}, bus.Reserved+".echo.00000000000000000000"),
			echo(nc, schema.VerbRelease, func(m *schema.Release) *schema.Reply {
				return &schema.Reply{Status: schema.StatusReleased, Name: m.Name}
			}, ""),
		},
	})
}

// request is a request's message: *M with its methods.
type request[M any] interface {
	*M
	schema.Request
}

func echo[M any, P request[M]](nc *nats.Conn, v schema.Verb, answer func(*M) *schema.Reply, undo string) bus.Endpoint {
	return bus.Endpoint{Name: string(v), Subject: echoSubject + string(v), Handler: func(r *bus.Request) {
		var m M
		encoding := schema.Detect(r.ContentType, r.Body)
		err := schema.Decode(encoding, r.Body, P(&m))
		if err == nil {
			err = P(&m).Validate()
		}
		if err == nil {
			response := bus.Response{
				ContentType: encoding.ContentType(), Body: schema.Append(nil, encoding, answer(&m)), Undo: undo,
			}
			err = bus.Respond(nc, r.Reply, response)
		}
		if err != nil {
			r.CountError(err.Error())
		}
	}}
}
