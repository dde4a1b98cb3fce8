// Package store stands in for the store of nsc, which the nats command needs
// for "nats auth" alone. CI builds that command without it: every function of
// this package answers that it is left out.
package store

import (
	"errors"

	"github.com/nats-io/nkeys"
)

// The names that a store of nsc gives its entries.
const (
	Accounts = "accounts"
	Users    = "users"
	NSCFile  = ".nsc"
)

var errLeftOut = errors.New("nats auth is left out of this build")

// KeyStorePath is where the keys would be.
var KeyStorePath string

// IStore is what the nats command asks of a store.
type IStore interface {
	Delete(name ...string) error
	GetName() string
	ListEntries(name ...string) ([]string, error)
	ListSubContainers(name ...string) ([]string, error)
	ReadRawAccountClaim(name string) ([]byte, error)
	ReadRawOperatorClaim() ([]byte, error)
	ReadRawUserClaim(account, name string) ([]byte, error)
	StoreRaw(data []byte) error
}

// NamedKey is a key and its name.
type NamedKey struct {
	Name string
	KP   nkeys.KeyPair
}

// KeyStore would hold the keys of an operator.
type KeyStore struct{}

// NewKeyStore returns an empty KeyStore.
func NewKeyStore(string) KeyStore { return KeyStore{} }

// GetKeyPair fails.
func (KeyStore) GetKeyPair(string) (nkeys.KeyPair, error) { return nil, errLeftOut }

// Store fails.
func (KeyStore) Store(nkeys.KeyPair) (string, error) { return "", errLeftOut }

// Remove fails.
func (KeyStore) Remove(string) error { return errLeftOut }

// LoadStore fails.
func LoadStore(string) (IStore, error) { return nil, errLeftOut }

// CreateStore fails.
func CreateStore(env, folder string, operator *NamedKey) (IStore, error) { return nil, errLeftOut }

// JwtName returns the name of the file of an entry.
func JwtName(name string) string { return name + ".jwt" }
