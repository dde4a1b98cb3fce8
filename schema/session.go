package schema

import "strings"

// SplitSession splits a session into its presence and its leaf, which is ""
// when the session is the presence itself.
func SplitSession(session string) (presence, leaf string) {
	presence, leaf, _ = strings.Cut(session, "/")
	return presence, leaf
}
