package lock

import "github.com/natslock/natslock/schema"

func (c Expire) apply(f *Fold) {
	i := f.r.holdByToken(c.Token)
	if i < 0 || c.Renewed == 0 || f.r.Holds[i].Renewed != c.Renewed {
		return
	}
	f.endHold(i, schema.EventExpired, "")
}
