package ldlm

import (
	"bytes"

	"github.com/natslock/natslock/schema"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// found is what the service says of a lock, to whoever has a key.
type found struct {
	holders int
	hold    *schema.Holder // that of the key; nil is none
}

// find looks for the hold of a key in the reply to an inspect.
func find(r *schema.Reply, key string) found {
	if len(r.Locks) != 1 {
		return found{}
	}
	holders := r.Locks[0].Holders
	for i := range holders {
		if holders[i].Owner == key {
			return found{len(holders), &holders[i]}
		}
	}
	return found{holders: len(holders)}
}

// timed tells whether there is a timeout that Renew may give anew.
func (f found) timed() bool {
	return f.hold != nil && f.hold.TTL > 0 && !bytes.Equal(f.hold.Meta, untimed)
}

// release is the request that ends the hold.
func (f found) release(name string) *schema.Release {
	return &schema.Release{Name: name, Client: f.hold.Client, Token: f.hold.Token}
}

// renew is the request that gives the hold another timeout.
func (f found) renew(name string, seconds int32) *schema.Renew {
	ttl := int64(seconds) * 1000
	return &schema.Renew{Name: name, Client: f.hold.Client, Token: f.hold.Token, TTL: &ttl}
}

// notUnlocked says why a key unlocks nothing. Known is a lock that is in use, or was
// a short time ago.
func notUnlocked(name string, known bool) *pb.UnlockResponse {
	f := fault(pb.ErrorCode_LockDoesNotExist, "a lock by that name does not exist")
	if known {
		f = fault(pb.ErrorCode_InvalidLockKey, "invalid lock key")
	}
	return &pb.UnlockResponse{Name: name, Error: f}
}

// released is the response to an Unlock whose key has a hold.
func released(name string, r *schema.Reply, err error) (*pb.UnlockResponse, error) {
	if err != nil {
		return nil, err
	}
	switch r.Status {
	case schema.StatusReleased, schema.StatusKept:
		return &pb.UnlockResponse{Name: name, Unlocked: true}, nil
	case schema.StatusNotHeld:
		return notUnlocked(name, true), nil // it has ended since it was seen
	default:
		f, err := otherwise(r)
		if err != nil {
			return nil, err
		}
		return &pb.UnlockResponse{Name: name, Error: f}, nil
	}
}

// renewRefusal answers a Renew that makes no sense; nil is one that does.
func renewRefusal(r *pb.RenewRequest) *pb.LockResponse {
	seconds := int64(r.GetLockTimeoutSeconds())
	f := timeoutFault(seconds)
	if seconds == 0 {
		f = unknown("lock timeout must be greater than 0")
	}
	if f == nil {
		return nil
	}
	return &pb.LockResponse{Name: r.GetName(), Error: f}
}

// notRenewed is the response to a Renew whose key has no hold with a timeout.
func notRenewed(name, key string) *pb.LockResponse {
	return &pb.LockResponse{Name: name, Key: key, Error: fault(
		pb.ErrorCode_LockDoesNotExistOrInvalidKey, "lock does not exist or invalid key")}
}

// renewed is the response to a Renew whose key has a hold.
func renewed(name, key string, r *schema.Reply) (*pb.LockResponse, error) {
	switch r.Status {
	case schema.StatusRenewed:
		return &pb.LockResponse{Name: name, Key: key, Locked: true}, nil
	case schema.StatusNotHeld:
		return notRenewed(name, key), nil
	default:
		f, err := otherwise(r)
		if err != nil {
			return nil, err
		}
		return &pb.LockResponse{Name: name, Key: key, Error: f}, nil
	}
}
