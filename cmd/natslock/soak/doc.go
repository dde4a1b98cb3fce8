// Package soak makes trouble for whole natslock processes, and checks that every
// promise is kept meanwhile.
package soak
