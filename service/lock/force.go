package lock

import "github.com/natslock/natslock/schema"

func (c Force) apply(f *Fold) {
	from, to := 0, len(f.r.Holds)
	if c.Token != 0 {
		from = f.r.holdByToken(c.Token)
		to = from + 1
	}
	if from < 0 || from == to {
		f.reply(notHeld())
		return
	}
	f.reply(schema.Reply{Status: schema.StatusReleased, Holders: shown(f.r.Holds[from:to])})
	for range to - from {
		f.endHold(from, schema.EventForced, schema.Reason(c.Reason))
	}
}
