package schema

// The bounds of the protocol. Lengths are in bytes.
const (
	MaxRequest = 64 << 10  // a request body
	MaxReply   = 512 << 10 // a reply body

	MaxRealm   = 64
	MaxName    = 512
	MaxNames   = 64  // names of one acquire or release
	MaxInspect = 256 // names of one inspect
	MaxClient  = 128
	MaxOwner   = 128
	MaxSession = 128
	MaxID      = 128 // a request's id
	MaxReason  = 512
	MaxCursor  = 1024
	MaxMeta    = 4 << 10 // meta as JSON, also after merging

	MinTTL = 10         // milliseconds
	MaxTTL = 86_400_000 // milliseconds
	// MaxWait is the longest wait_ms; WaitForever is the wait without end.
	MaxWait     = 86_400_000
	WaitForever = -1

	MaxSize = 1_000_000 // holders of a shared lock; the record is full at 1,000 anyway

	DefaultListLimit = 100
	MaxListLimit     = 1000

	MinSessionTTL     = 1_000
	MaxSessionTTL     = 300_000
	DefaultSessionTTL = 10_000
	MaxGrace          = 60_000

	// MaxToken bounds every token, so that JavaScript can hold it.
	MaxToken = 1<<53 - 1
)
