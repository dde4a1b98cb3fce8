package lock

import "github.com/natslock/natslock/schema"

// apply has the record written, unless it is free: then whoever asked is told so
// by the leader's word, which shows whether it is.
func (c Touch) apply(f *Fold) {
	if !f.r.Free() {
		f.change(0)
	}
	f.reply(schema.Reply{Status: schema.StatusOK})
}
