package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/cmd/natslock/job"
	"github.com/natslock/natslock/schema"
)

// The statuses of run itself, as timeout(1) and env(1) have them.
const (
	runTimedOut    = 124
	runFailed      = 125
	runNotRunnable = 126
	runNotFound    = 127
)

// killAfter is how long a command has that is stopped because its lock is lost.
const killAfter = 5 * time.Second

// runCmd is the command run.
type runCmd struct {
	Name    string         `arg:"" complete:"lock" help:"The lock."`
	Command []string       `arg:"" passthrough:"partial" help:"What to run, after \"--\"."`
	Wait    *time.Duration `placeholder:"D" help:"How long to wait for the lock. Default: without end."`
	TTL     *time.Duration `name:"ttl" placeholder:"D" help:"Hold by a TTL that is renewed, instead of by presence: for so long the lock stays held when this process dies. Default: by presence, 2 s after its connection is gone or 10 s after it fell silent."`
	Shared  bool           `help:"Hold together with other shared holders."`
	Size    holders        `placeholder:"N" help:"Shared by at most N holders: a semaphore."`
	Owner   string         `placeholder:"ID" help:"Who the hold belongs to. What runs with the same client and owner has one hold, and is not kept apart. Default: a fresh one."`
	Meta    metaFlag       `sep:"none" placeholder:"K=V" help:"What others see of the hold: key=value or a JSON object. Repeatable."`
	Quiet   bool           `short:"q" help:"Do not say what is waited for, and what was granted after that."`

	caller `embed:""`
}

// Help has the examples.
func (*runCmd) Help() string {
	return `The command runs with NATSLOCK_HELD_NAME, NATSLOCK_HELD_TOKEN and NATSLOCK_HELD_REALM in its environment, as the leader of a process group of its own. Signals are passed on to it, and its exit status is returned. Give the token to whatever the lock guards, and let that refuse smaller ones.

If the lock is lost, because the service has not heard from this process in time or somebody ended it by force, the whole group gets SIGTERM, and SIGKILL 5 s later. On Linux the command is killed when natslock itself is.

With --json a failure of natslock's own is a JSON object on standard error, with status, message and who holds the lock, and nothing else is said there.

Exit status: the command's, or 128+n if signal n ended it; 124 not granted in time; 125 natslock failed, or the lock was lost; 126 the command cannot be run; 127 there is no such command.

Examples:

    natslock run backup -- pg_dump -f /backup/all.sql
    natslock run --wait 0s nightly -- ./report.sh
    natslock run --size 4 encoders -- ffmpeg -i in.mov out.mp4`
}

// Run holds the lock while the command runs.
func (c *runCmd) Run(ctx context.Context, sys *system, line *kong.Context) error {
	return c.inJSON(sys.err, c.Name, c.run(ctx, sys, line))
}

func (c *runCmd) run(ctx context.Context, sys *system, line *kong.Context) error {
	command := passed(line)
	if command[0] != "--" || len(command) == 1 {
		// A forgotten name would otherwise lock the first word of the command.
		return c.failed(usagef("give the lock, then --, then the command: natslock run backup -- pg_dump -f all.sql"))
	}
	command = command[1:]
	path, err := job.Look(command[0])
	if err != nil {
		return &failure{status: job.StartStatus(err), err: fmt.Errorf("run: %w", err)}
	}
	options, err := c.options()
	if err != nil {
		return c.failed(err)
	}
	waiting, stop := interruptible(ctx)
	defer stop()
	s, err := c.dial(waiting)
	if err != nil {
		return c.failed(err)
	}
	defer s.close()
	lock, err := c.acquire(waiting, sys, s, options)
	if err != nil {
		return err
	}
	// From here on, signals are for the command.
	signals := job.Signals()
	if err := waiting.Err(); err != nil {
		return errors.Join(context.Cause(waiting), c.release(sys, lock))
	}
	cmd := exec.Command(path)
	cmd.Args = command
	cmd.Stdin, cmd.Stdout, cmd.Stderr = sys.in, sys.out, sys.err
	cmd.Env = append(os.Environ(),
		"NATSLOCK_HELD_NAME="+c.Name, "NATSLOCK_HELD_TOKEN="+strconv.FormatUint(lock.Token(), 10), "NATSLOCK_HELD_REALM="+c.Realm)
	return c.hold(ctx, sys, lock, &job.Job{Cmd: cmd, Signals: signals, Grace: killAfter})
}

// failed is an error of run's own.
func (c *runCmd) failed(err error) error {
	var stopped *interrupted
	if errors.As(err, &stopped) {
		return err
	}
	return &failure{status: runFailed, err: fmt.Errorf("run: %w", err)}
}

func (c *runCmd) options() ([]client.AcquireOption, error) {
	c.Owner = cmp.Or(c.Owner, freshOwner())
	options, err := holdOptions(c.TTL, c.Shared, int(c.Size), c.Owner, c.Meta)
	if err != nil {
		return nil, err
	}
	if c.Wait != nil {
		options = append(options, client.Wait(*c.Wait))
	}
	return options, c.check()
}

// check says in the words of the flags what is wrong with them.
func (c *runCmd) check() error {
	ttl, err := ttlMillis(c.TTL)
	if err != nil {
		return err
	}
	m := &schema.Acquire{Name: c.Name, TTL: ttl, Owner: c.Owner, Mode: c.mode(), Size: int64(c.Size)}
	if what := fault(m); what != "" {
		return usagef("%s", what)
	}
	return nil
}

func (c *runCmd) mode() schema.Mode {
	if c.Shared || c.Size != 0 {
		return schema.ModeShared
	}
	return schema.ModeExclusive
}

// acquire waits for the lock, and tells of it meanwhile.
func (c *runCmd) acquire(ctx context.Context, sys *system, s *session, options []client.AcquireOption) (*client.Lock, error) {
	w := c.wait(ctx, sys, s, []string{c.Name}, c.Owner, c.Quiet)
	lock, err := s.Acquire(ctx, c.Name, options...)
	w.end(sys, err == nil)
	switch {
	case errors.Is(err, client.ErrTimeout) && c.Wait != nil:
		return nil, &failure{status: runTimedOut, err: &told{fmt.Sprintf("run: %s was %s", c.Name, w.vain(*c.Wait, err)), err}}
	case errors.Is(err, client.ErrHeld):
		return nil, &failure{status: runTimedOut, err: &told{fmt.Sprintf("run: %s is %s", c.Name, held(err)), err}}
	case errors.Is(err, client.ErrSizeMismatch):
		why := cmp.Or(s.mismatch(ctx, []string{c.Name}, c.mode(), int64(c.Size)), err.Error())
		return nil, c.failed(&told{why, err})
	case err != nil:
		return nil, c.failed(err)
	}
	return lock, nil
}

// held says who has a lock that was refused.
func held(err error) string {
	var refused *client.Error
	if !errors.As(err, &refused) || len(refused.Holders) == 0 {
		return "held"
	}
	return "held by " + heldBy(refused.Holders, time.Now())
}

// hold runs the job under the lock, and gives the lock back when it is gone.
func (c *runCmd) hold(ctx context.Context, sys *system, lock *client.Lock, j *job.Job) error {
	held, stop := context.WithCancel(lock.Context())
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	exit, err := j.Run(held)
	if err != nil {
		err = &failure{status: job.StartStatus(err), err: fmt.Errorf("run: %w", err)}
		return errors.Join(err, c.release(sys, lock))
	}
	if err := c.release(sys, lock); err != nil {
		return err
	}
	if exit.Status != 0 {
		return &failure{status: exit.Status}
	}
	return nil
}

// release gives the lock back. Its error says that the lock was lost before.
func (c *runCmd) release(sys *system, lock *client.Lock) error {
	err := lock.Release(context.Background())
	switch {
	case errors.Is(err, client.ErrLost):
		text := fmt.Sprintf("run: the lock %s was lost (%s): its command was stopped or has not been alone", c.Name, lostWhy(err))
		return &failure{status: runFailed, err: &told{text, err}}
	case err != nil && c.JSON:
		return printJSON(sys.err, failedReply(c.Name, fmt.Errorf("run: %w; it ends with its TTL", err)))
	case err != nil:
		complain(sys.err, fmt.Errorf("run: release %s: %w; it ends with its TTL", c.Name, err))
	}
	return nil
}
