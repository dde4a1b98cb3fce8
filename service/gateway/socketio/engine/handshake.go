package engine

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	transportPolling   = "polling"
	transportWebsocket = "websocket"
)

// Handshake is the request that a session began with.
type Handshake struct {
	Query      url.Values
	Header     http.Header
	Host       string
	RemoteAddr string
	Secure     bool // it came over TLS
	Time       time.Time
}

func newHandshake(r *http.Request, query url.Values, now time.Time) Handshake {
	return Handshake{
		Query: query, Header: r.Header, Host: r.Host, RemoteAddr: r.RemoteAddr, Secure: r.TLS != nil, Time: now,
	}
}

// newID returns the id of a session: 20 characters that nobody can guess.
func newID() string {
	var random [15]byte
	_, _ = rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// open is the first packet of a session.
func (c *Config) open(id string, upgrades []string) (packet, error) {
	data, err := json.Marshal(struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{id, upgrades, c.PingInterval.Milliseconds(), c.PingTimeout.Milliseconds(), c.MaxPayload})
	if err != nil {
		return packet{}, fmt.Errorf("engine: open packet: %w", err)
	}
	return packet{kind: kindOpen, data: data}, nil
}

// ask is what a request asks for.
type ask struct {
	id        string // of a session, if it is known already
	websocket bool
	query     url.Values
}

// parseAsk reads the parameters of a request.
func (c *Config) parseAsk(r *http.Request) (ask, error) {
	query := r.URL.Query()
	a := ask{id: query.Get("sid"), query: query}
	if query.Get("EIO") != "4" {
		return a, ErrVersion
	}
	switch transport := query.Get("transport"); {
	case transport == transportPolling && !c.DisablePolling:
	case transport == transportWebsocket && !c.DisableWebsocket:
		a.websocket = true
	default:
		return a, ErrUnknownTransport
	}
	upgrade := strings.EqualFold(r.Header.Get("Upgrade"), transportWebsocket)
	switch {
	case a.id == "" && r.Method != http.MethodGet:
		return a, ErrBadMethod
	case a.websocket != upgrade, a.websocket && r.Method != http.MethodGet:
		return a, ErrBadRequest
	}
	return a, nil
}
