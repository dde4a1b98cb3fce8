package schema

import "strings"

// SplitSession splits a session at its first slash into its presence and its
// leaf, which is "" when the session is the presence itself.
func SplitSession(session string) (presence, leaf string) {
	presence, leaf, _ = strings.Cut(session, "/")
	return presence, leaf
}

// checkSession checks a session that need not be given.
func checkSession(session string) error {
	if err := checkText("session", session, MaxSession); err != nil || session == "" {
		return err
	}
	presence, leaf, slash := strings.Cut(session, "/")
	if presence == "" || slash && leaf == "" {
		return invalid("session", "want a presence P, or a leaf P/L of it")
	}
	return nil
}

// checkPresence checks a session that must be a presence.
func checkPresence(session string) error {
	if _, leaf := SplitSession(session); leaf != "" {
		return invalid("session", "want a presence, got a leaf of it")
	}
	return first(checkGiven("session", session), checkSession(session))
}
