package main

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// environPrefix begins the name of every variable that sets a flag.
const environPrefix = "NATSLOCK_"

// environOf is the variable that sets a flag.
func environOf(flag string) string {
	return environPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// notSettings are the variables that begin like those of flags and are none: what run
// tells its command, what tests tell themselves, and what Kubernetes tells of a service
// whose name begins with natslock.
var notSettings = regexp.MustCompile(`^NATSLOCK_(HELD|TEST|SOAK)_|^NATSLOCK_FAULT$|^NATSLOCK_(.*_)?(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)$`)

// warnStrange names the variables that were meant for natslock, by their names, and set
// nothing: most likely they are misspelled.
func warnStrange(line *kong.Context, environ []string, log *slog.Logger) {
	known := environs(line.Model.Node)
	for _, name := range strange(environ, known) {
		if near := nearest(name, known); near != "" {
			log.Warn("not used: no setting has this name", "variable", name, "nearest", near)
		} else {
			log.Warn("not used: no setting has this name; see natslock serve --help", "variable", name)
		}
	}
}

// environs are the variables that set the flags of a command and of those below it.
func environs(node *kong.Node) (names []string) {
	for _, flag := range node.Flags {
		names = append(names, flag.Envs...)
	}
	for _, below := range node.Children {
		names = append(names, environs(below)...)
	}
	return names
}

// strange are the names of an environment that are like those of settings, and none.
func strange(environ, known []string) (names []string) {
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, environPrefix) && !slices.Contains(known, name) && !notSettings.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// nearest is the name that one was most likely meant for; "" if none is near.
func nearest(name string, known []string) (near string) {
	name = strings.ToUpper(name)
	least := (len(name) - len(environPrefix) + 1) / 2 // more than that is another word
	for _, k := range known {
		if d := distance(name, k); d < least || d == least && near == "" {
			least, near = d, k
		}
	}
	return near
}

// distance is how many letters are to be put in, taken out or changed to make one word
// of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // from the first letters of a to those of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
