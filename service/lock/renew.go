package lock

import "github.com/natslock/natslock/schema"

func (c Renew) apply(f *Fold) {
	i := f.r.holdByToken(c.Token)
	if i < 0 {
		f.reply(notHeld())
		return
	}
	h := f.r.Holds[i]
	if c.Named && h.Client != c.Client {
		f.reply(notYours())
		return
	}
	if c.Given {
		if c.TTL == 0 && len(h.Sessions) == 0 {
			f.reply(refusal(schema.StatusInvalid, "ttl_ms: 0 takes the TTL away, and no session would be left to end the hold"))
			return
		}
		h.TTL = c.TTL
	}
	h.Renewed = 0
	f.setHold(i, h)
	f.reply(schema.Reply{Status: schema.StatusRenewed, TTL: &h.TTL})
}
