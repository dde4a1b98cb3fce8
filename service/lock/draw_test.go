package lock

import (
	"github.com/natslock/natslock/schema"
	"pgregory.net/rapid"
)

// drawAttempt draws one of a few attempts, so that repeats are frequent.
func drawAttempt(t *rapid.T) Attempt { return Attempt(rapid.IntRange(1, 12).Draw(t, "attempt")) }

func drawInbox(t *rapid.T) Inbox {
	return Inbox{
		Subject:  rapid.SampledFrom([]string{"i", "other", "a-longer-one"}).Draw(t, "inbox"),
		Encoding: schema.Encoding(rapid.IntRange(0, 1).Draw(t, "encoding")),
	}
}

func drawMeta(t *rapid.T) schema.Meta {
	m := rapid.SampledFrom([]string{"", "", `{"a":1}`, `{"a":2,"b":[]}`, `{"c":"x"}`}).Draw(t, "meta")
	if m == "" {
		return nil
	}
	return schema.Meta(m)
}

var someSessions = []string{"p", "p/1", "p/2", "p/1/1", "pp", "q/1"}

// drawSession draws a session that a client opened, or a gateway for many.
func drawSession(t *rapid.T) Session {
	c := drawTerms(t)
	return Session{
		ID:     rapid.SampledFrom(someSessions).Draw(t, "session"),
		Client: rapid.SampledFrom([]string{"x", "x", "gateway"}).Draw(t, "opener"),
		Epoch:  c.Epoch, TTL: c.TTL, Grace: c.Grace, Change: c.Change, N: c.N,
	}
}

// drawTerms draws terms that a presence has at some time: those of one change are
// the same, unless changes are not counted.
func drawTerms(t *rapid.T) Terms {
	c := Terms{
		Session: rapid.SampledFrom([]string{"p", "p", "pp", "q"}).Draw(t, "presence"),
		Epoch:   rapid.Uint64Range(1, 2).Draw(t, "epoch"),
		Change:  rapid.SampledFrom([]uint64{0, 0, 1, 2}).Draw(t, "change"),
	}
	c.TTL, c.Grace, c.N = 10_000+int64(c.Change%2)*20_000, 2_000-int64(c.Change)*500, 3*c.Change
	if c.Change == 0 && rapid.IntRange(0, 3).Draw(t, "not counted") == 0 {
		c.TTL = 15_000
	}
	return c
}

// drawToken draws a hold's token, or one that is no hold's.
func drawToken(t *rapid.T, r Record) Token {
	tokens := []Token{0, 1, 255, 256, 1 << 40}
	for _, h := range r.Holds {
		tokens = append(tokens, h.Token, h.Token, h.Token)
	}
	return rapid.SampledFrom(tokens).Draw(t, "token")
}

func drawClient(t *rapid.T) string {
	return rapid.SampledFrom([]string{"x", "x", "y"}).Draw(t, "client")
}
func drawOwner(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "owner")
}

func drawAcquire(t *rapid.T) Acquire {
	a := Acquire{
		Attempt: drawAttempt(t), Client: drawClient(t), Owner: drawOwner(t),
		Mode: schema.ModeExclusive, TTL: rapid.SampledFrom([]int64{0, 10, 30_000}).Draw(t, "ttl"),
		DefaultTTL: rapid.Bool().Draw(t, "default"), Meta: drawMeta(t), Inbox: drawInbox(t),
		Wait: rapid.SampledFrom([]int64{0, 10_000, 10_000, schema.WaitForever}).Draw(t, "wait"), At: 5,
	}
	a.Fresh = a.Wait == 0 && rapid.IntRange(0, 3).Draw(t, "fresh") == 0
	if rapid.Bool().Draw(t, "shared") {
		a.Mode, a.Size = schema.ModeShared, rapid.SampledFrom([]int64{0, 2, 2, 3}).Draw(t, "size")
	}
	if rapid.Bool().Draw(t, "with session") {
		a.Session = drawSession(t)
		if rapid.IntRange(0, 7).Draw(t, "barred") == 0 {
			barred := refusal(schema.StatusCanceled, "the session has left")
			a.Barred = &barred
		}
	}
	return a
}

// drawParty draws an acquire that is part of one for several names.
func drawParty(t *rapid.T) Acquire {
	a := drawAcquire(t)
	a.Lead, a.Wait = "a", 0
	if rapid.Bool().Draw(t, "lead") {
		a.Names = []string{"b", "a"}
	}
	if rapid.Bool().Draw(t, "waited") {
		w := a.waiter()
		a.Waited, a.Since = &w, w.QueuedAt
	}
	return a
}

func drawLeave(t *rapid.T) Leave {
	return Leave{
		Session: rapid.SampledFrom(append([]string{"q"}, someSessions...)).Draw(t, "session"),
		Epoch:   rapid.Uint64Range(0, 2).Draw(t, "epoch"),
		Reason: rapid.SampledFrom([]schema.Reason{
			schema.ReasonLeave, schema.ReasonSilence, schema.ReasonDisconnect,
		}).Draw(t, "reason"),
	}
}

func drawExpire(t *rapid.T, r Record) Expire {
	e := Expire{Token: drawToken(t, r), Renewed: rapid.Uint64Range(0, 3).Draw(t, "renewed")}
	if h, ok := r.HoldByToken(e.Token); ok && rapid.Bool().Draw(t, "in time") {
		e.Renewed = h.Renewed
	}
	return e
}

func drawRelease(t *rapid.T, r Record) Release {
	c := Release{
		Token: drawToken(t, r), Client: drawClient(t), Owner: drawOwner(t), Named: rapid.Bool().Draw(t, "named"),
		Show: rapid.Bool().Draw(t, "show"),
	}
	if rapid.IntRange(0, 3).Draw(t, "forget") == 0 {
		c.Forget = drawAttempt(t)
	}
	if rapid.Bool().Draw(t, "part") {
		c.Session = rapid.SampledFrom(someSessions).Draw(t, "session")
	}
	return c
}

func drawRenew(t *rapid.T, r Record) Renew {
	return Renew{
		Token: drawToken(t, r), Client: drawClient(t), Named: rapid.Bool().Draw(t, "named"),
		TTL: rapid.SampledFrom([]int64{0, 10, 20_000}).Draw(t, "ttl"), Given: rapid.Bool().Draw(t, "given"),
	}
}

// drawUndo draws mostly an undo that something depends on.
func drawUndo(t *rapid.T, r Record) Undo {
	c := Undo{Token: drawToken(t, r), Answer: uint8(rapid.SampledFrom([]int{0, 0, 0, 1, 2, MaxRepeats - 1, MaxRepeats, 255}).Draw(t, "answer"))}
	if h, ok := r.HoldByToken(c.Token); ok && rapid.Bool().Draw(t, "given") {
		c.Answer = uint8(rapid.IntRange(0, int(h.Repeats)).Draw(t, "answer"))
	}
	return c
}

// drawCommand draws any command, mostly about what is in r.
func drawCommand(t *rapid.T, r Record) Command {
	switch k := rapid.IntRange(0, 22).Draw(t, "kind"); k {
	case 0:
		return Force{Token: drawToken(t, r), Reason: "r"}
	case 1:
		a := drawAcquire(t)
		return Note{Set{Waiter: a.waiter(), Names: []string{"b", "a"}}}
	case 2:
		return Unnote{drawAttempt(t)}
	case 3:
		return Promote{}
	case 4:
		return drawParty(t)
	case 5:
		return drawLeave(t)
	case 6:
		return drawExpire(t, r)
	case 7:
		return Cancel{Attempt: drawAttempt(t)}
	case 8:
		return GiveUp{drawAttempt(t)}
	case 9, 10:
		return drawUndo(t, r)
	case 11, 12:
		return drawRenew(t, r)
	case 21:
		return Touch{}
	case 22:
		return drawTerms(t)
	case 20:
		return Retell{drawAttempt(t), drawInbox(t)}
	case 13, 14, 15:
		return drawRelease(t, r)
	default:
		return drawAcquire(t)
	}
}

// drawWorld draws a world with a history.
func drawWorld(t *rapid.T) *world {
	w := &world{t: t, revision: 10} // above the revisions that are drawn
	for range rapid.IntRange(0, 30).Draw(t, "steps") {
		w.do(drawCommands(t, w.r)...)
	}
	return w
}

// drawCommands draws what is folded into one write.
func drawCommands(t *rapid.T, r Record) []Command {
	commands := make([]Command, rapid.SampledFrom([]int{1, 1, 2, 4}).Draw(t, "folded"))
	for i := range commands {
		commands[i] = drawCommand(t, r)
	}
	return commands
}
