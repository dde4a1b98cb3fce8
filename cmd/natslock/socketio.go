package main

import (
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

// socketioFlags are the flags of serve for those who call as clients of locker-cache
// do, by socket.io on the HTTP door.
type socketioFlags struct {
	SocketIOTTL   time.Duration `name:"socketio-ttl" group:"doors" default:"900s" placeholder:"D" help:"How long a lock lives that was taken over socket.io and not taken again. Default: 900s."`
	SocketIOGrace time.Duration `name:"socketio-grace" group:"doors" default:"0s" placeholder:"D" help:"How long a socket that was lost still holds its locks. Default: 0s."`
	SocketIORealm string        `name:"socketio-realm" group:"doors" default:"undefined" placeholder:"NAME" help:"Realm of sockets that name none. Default: undefined."`
}

// check finds what makes no sense.
func (f *socketioFlags) check() error {
	switch {
	case f.SocketIOTTL < schema.MinTTL*time.Millisecond || f.SocketIOTTL > schema.MaxTTL*time.Millisecond || f.SocketIOTTL%time.Millisecond != 0:
		return usagef("serve: --socketio-ttl: must be whole milliseconds from 10ms to 24h")
	case f.SocketIOGrace < 0 || f.SocketIOGrace > schema.MaxTTL*time.Millisecond:
		return usagef("serve: --socketio-grace: must be 0 to 24h")
	case f.SocketIORealm == "" || len(f.SocketIORealm) > schema.MaxRealm || !utf8.ValidString(f.SocketIORealm):
		return usagef("serve: --socketio-realm: must have 1 to %d bytes of UTF-8", schema.MaxRealm)
	}
	return nil
}

// open makes the door for pages of the origins that may call over HTTP.
func (f *socketioFlags) open(g *gateway.Gateway, origins []string, log *slog.Logger) (*locker.Server, error) {
	return locker.New(g, locker.Config{
		TTL: f.SocketIOTTL, Grace: f.SocketIOGrace, Realm: f.SocketIORealm, Origins: origins, Logger: log,
	})
}
