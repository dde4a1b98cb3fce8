// Package home stands where nsc keeps the paths of its files.
package home

// The folders that nsc has below its home.
const (
	StoresSubDirName = "stores"
	KeysSubDirName   = "keys"
)

// NscDataHome returns dir: this build of the nats command has no nsc home.
func NscDataHome(dir string) string { return dir }
