// Package complete writes completion scripts for shells from a command line's
// grammar, so that they cannot differ from it.
//
// The scripts know the commands, their flags, the values of those that have
// few, and where files are meant. They ask nobody, so they are quick and need
// no service.
package complete
