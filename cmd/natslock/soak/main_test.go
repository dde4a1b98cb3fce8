//go:build linux

package soak

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var (
	soakFor = flag.Duration("soak", 12*time.Second, "how long TestSoak makes trouble")
	seed    = flag.Uint64("seed", 0, "of everything that is left to chance; 0 takes one from the clock")
	callers = flag.Int("callers", 200, "how many callers TestSoak has")
	idlers  = flag.Int("idle", 1000, "how many connections TestIdleConnectionsAreCheap has")
	syncs   = flag.String("sync", "", "the only --sync of TestSoak's servers; always and 1s by turns if empty")
)

// bin is where the program is built.
var bin string

func TestMain(m *testing.M) {
	// These tests mostly wait. The command line has the last word.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	if os.Getenv(mortalURL) != "" {
		if err := beMortal(); err != nil {
			fmt.Fprintln(os.Stderr, "mortal:", err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(victimVisit) != "" {
		if err := beVictim(); err != nil {
			fmt.Fprintln(os.Stderr, "victim:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if err := os.Setenv("NATSLOCK_HTTP", ""); err != nil { // no server of these tests takes a port that may be taken
		panic(err)
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

func run(m *testing.M) (status int, err error) {
	if bin, err = os.MkdirTemp("", "natslock-soak-"); err != nil {
		return 1, err
	}
	defer func() { err = os.RemoveAll(bin) }()
	return m.Run(), nil
}

// build builds natslock, once.
var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(bin, "natslock")
	out, err := exec.Command("go", "build", "-o", path, "github.com/natslock/natslock/cmd/natslock").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build natslock: %w\n%s", err, out)
	}
	return path, nil
})
