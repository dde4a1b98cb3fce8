package httpapi

import (
	"net/http"

	"github.com/natslock/natslock/schema"
)

// The paths of the native API.
const (
	pathLocks = "/v1/realms/{realm}/locks"
	pathLock  = pathLocks + "/{name}"
)

// table is all that is served.
func (s *Server) table() []route {
	lock := call{id: "lock", handle: (*exchange).lock, told: &told{
		summary: "Take locks, all or none, as the older lock server does", body: lockForm(), ok: lockAnswer(), tag: tagOlder}}
	unlock := call{id: "unlock", handle: (*exchange).unlock, told: &told{
		summary: "Give back those that the uid holds under these versions", body: unlockForm(), ok: unlockAnswer(), tag: tagOlder}}
	check := call{id: "check", handle: (*exchange).check, told: &told{
		summary: "Whether one of the locks is held, by whomever", body: checkForm(), ok: checkAnswer(), tag: tagOlder}}
	return []route{
		{pathLock, map[string]call{
			http.MethodPost: {id: "acquire", handle: (*exchange).acquire, told: &told{
				summary: "Take a lock, or wait for it with wait_ms", message: new(schema.Acquire), without: []string{"names", "session"}, waits: true}},
			http.MethodDelete: {id: "release", handle: (*exchange).release, told: &told{
				summary: "Give a lock back: by its token, or by client and owner", message: new(schema.Release), query: []string{"token", "client", "owner"}}},
			http.MethodPatch: {id: "renew", handle: (*exchange).renew, told: &told{
				summary: "Restart the TTL of a hold, or give it another", message: new(schema.Renew), required: []string{"token"}}},
			http.MethodGet: {id: "inspect", handle: (*exchange).inspect, told: &told{
				summary: "Who holds a lock, and who waits for it", message: new(schema.Inspect), query: []string{}}},
		}},
		{pathLock + "/force", map[string]call{
			http.MethodPost: {id: "force", handle: (*exchange).force, told: &told{
				summary: "End the holds of a lock, whoever has them", message: new(schema.Force)}},
		}},
		{pathLocks, map[string]call{
			http.MethodPost: {id: "acquireAll", handle: (*exchange).acquireAll, told: &told{
				summary: "Take several locks, all or none", message: new(schema.Acquire), without: []string{"name", "session"}, required: []string{"names"}, waits: true}},
			http.MethodGet: {id: "list", handle: (*exchange).list, told: &told{
				summary: "The locks that are held, by name", message: new(schema.List), query: []string{"prefix", "limit", "cursor"}}},
		}},
		{"/v1/realms/{realm}/events", map[string]call{
			http.MethodGet: {id: "events", handle: (*exchange).events, told: &told{
				summary: "What happens in the realm, as server-sent events", stream: new(schema.Event), waits: true}},
		}},
		{"/openapi.json", get("openapi", (*exchange).describe, "This document")},
		{"/healthz", get("healthz", (*exchange).alive, "Whether the process is alive")},
		{"/readyz", get("readyz", (*exchange).ready, "Whether calls are taken and the store answers")},
		{"/metrics", get("metrics", (*exchange).metrics, "Metrics for Prometheus")},
		{"/lock", map[string]call{http.MethodPost: lock}},
		{"/unlock", map[string]call{http.MethodPost: unlock}},
		{"/check", map[string]call{http.MethodPost: check}},
		{"/ping", map[string]call{http.MethodGet: {id: "ping", handle: (*exchange).ping, told: &told{summary: "pong", tag: tagOlder}}}},
		{"/api/lock", map[string]call{http.MethodPost: lock}},
		{"/api/unlock", map[string]call{http.MethodPost: unlock}},
		{"/api/check", map[string]call{http.MethodPost: check}},
	}
}

// get is a call that is answered also while others are not.
func get(id string, handle func(*exchange), summary string) map[string]call {
	return map[string]call{http.MethodGet: {id: id, handle: handle, always: true, told: &told{summary: summary, tag: tagOperators}}}
}
