//go:build linux

package soak

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// victimVisit is in the environment of a process that is a victim: one that visits a
// door, as it is told there by way, address and lock, holds the lock, and is killed.
const victimVisit = "NATSLOCK_SOAK_VICTIM"

// beVictim takes a lock, says whether it has it, and holds it to the end of its input.
func beVictim() error {
	var way, addr, name string
	if _, err := fmt.Sscan(os.Getenv(victimVisit), &way, &addr, &name); err != nil {
		return err
	}
	v, err := arrive(context.Background(), way, doorAddrs{way: addr})
	if err != nil {
		return err
	}
	got, err := v.take(context.Background(), name)
	if err != nil {
		return err
	}
	fmt.Println("held", got)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// sacrifice has processes hold locks, kills each, and finds that its lock is held until
// then, and free soon afterwards.
func (g *guest) sacrifice(ctx, trouble context.Context) {
	for trouble.Err() == nil {
		g.count++
		way, name := ways[g.rand.IntN(len(ways))], fmt.Sprintf("victim-%d-%d", g.id, g.count)
		if !g.kill(ctx, way, name) {
			return
		}
	}
}

// kill has one process hold a lock and kills it.
func (g *guest) kill(ctx context.Context, way, name string) (more bool) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimVisit+"="+strings.Join([]string{way, g.addrs[way], name}, " "))
	stdin, err := cmd.StdinPipe() // which ends with this process
	if err != nil {
		g.fail(err)
		return false
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		g.fail(err)
		return false
	}
	began := now()
	if err := cmd.Start(); err != nil {
		g.fail(err)
		return false
	}
	said, _ := bufio.NewReader(stdout).ReadString('\n') // nothing, if the server was away
	if said == "held true\n" {
		g.stillHeld(ctx, name, began)
		pause(ctx, time.Duration(g.rand.Int64N(int64(20*time.Millisecond))))
	}
	_ = cmd.Process.Kill() // it may have ended by itself
	_ = cmd.Wait()
	g.did(way + " killed, " + strings.TrimSpace(said))
	g.freed(ctx, name, way, now(), freeIn)
	return true
}

// stillHeld finds that nobody else is given what a process holds, as long as the server
// has been well since that was begun.
func (g *guest) stillHeld(ctx context.Context, name string, since time.Duration) {
	v, way := g.arrive(ctx)
	if v == nil {
		return
	}
	defer v.close()
	if got, err := v.take(ctx, name); err == nil && got && g.chaos.wellSince() < since {
		g.fail(fmt.Errorf("guest %d by %s: %s is held by two", g.id, way, name))
	}
}
