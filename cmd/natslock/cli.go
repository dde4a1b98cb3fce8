package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// cli is the grammar of the command line.
type cli struct {
	Serve      serveCmd      `cmd:"" help:"Run the lock service: a NATS server, its store and a worker."`
	Run        runCmd        `cmd:"" help:"Hold a lock while a command runs."`
	Acquire    acquireCmd    `cmd:"" help:"Take locks for a time, and print their tokens."`
	Release    releaseCmd    `cmd:"" help:"End a hold."`
	Renew      renewCmd      `cmd:"" help:"Restart the time of a hold."`
	Inspect    inspectCmd    `cmd:"" help:"Show who holds locks and who waits for them."`
	Sessions   sessionsCmd   `cmd:"" help:"Show who is present: sessions and what they hold."`
	List       listCmd       `cmd:"" help:"Show the locks that are held."`
	Force      forceCmd      `cmd:"" help:"End the holds of a lock, whoever has them."`
	Watch      watchCmd      `cmd:"" help:"Print events as they happen."`
	Bench      benchCmd      `cmd:"" help:"Measure the service beside an echo over the same NATS."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
	Crowd      crowdCmd      `cmd:"" hidden:"" help:"Be the sessions that bench measures."`
	Names      namesCmd      `cmd:"" hidden:"" help:"Print names of locks that are held, for completion."`
	Help       helpCmd       `cmd:"" help:"Print the help of a command."`

	ShowVersion kong.VersionFlag `name:"version" env:"-" help:"Print the version and exit."`
}

const description = `A distributed lock service on NATS JetStream.

Every flag can be given as NATSLOCK_<FLAG> in the environment, such as
NATSLOCK_SERVER for --server.`

// connectionGroup is the key of the flags that say how to reach the service.
const connectionGroup = "connection"

// exited is the panic by which kong's help and version flags end a parse.
type exited int

// Main runs one command and returns its exit status. args are those after the
// program's name.
func Main(ctx context.Context, args []string, sys *system) (status int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exited:
			status = int(r)
		default:
			panic(r)
		}
	}()
	if len(args) == 0 {
		return introduce(sys)
	}
	parser := newParser(sys)
	command, err := parser.Parse(args)
	if err != nil {
		return report(sys.err, usageOf(err))
	}
	if err := checkText(command); err != nil {
		return report(sys.err, err)
	}
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(sys)
	if c := callerOf(command); c != nil && ctx.Err() == nil { // else nobody reads it
		err = c.inJSON(sys.out, "", err)
	}
	return report(sys.err, err)
}

func newParser(sys *system) *kong.Kong {
	options := append(valueMappers(),
		kong.Name("natslock"),
		kong.Description(description),
		kong.Writers(sys.out, sys.err),
		kong.Exit(func(status int) { panic(exited(status)) }),
		kong.Vars{"version": about().String()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }), // description has the rule for the environment
		kong.ExplicitGroups([]kong.Group{{Key: connectionGroup, Title: "Connection:"}, {Key: "doors", Title: "HTTP:"}}),
		kong.PostBuild(nameEnvironment),
	)
	return kong.Must(new(cli), options...)
}

// nameEnvironment gives each flag its environment variable.
func nameEnvironment(k *kong.Kong) error {
	k.Model.HelpFlag.Help = "Print this help and exit."
	return kong.Visit(k.Model, func(v kong.Visitable, next kong.Next) error {
		flag, ok := v.(*kong.Flag)
		if !ok {
			return next(nil)
		}
		if len(flag.Envs) > 0 || flag == k.Model.HelpFlag { // env:"-"
			flag.Envs, flag.Tag.Envs = nil, nil
			return next(nil)
		}
		name := environOf(flag.Name)
		flag.Envs, flag.Tag.Envs = []string{name}, []string{name}
		return next(nil)
	})
}

// callerOf is what the command has in common with other callers' commands, or nil.
func callerOf(command *kong.Context) *caller {
	if c, ok := command.Selected().Target.Addr().Interface().(interface{ common() *caller }); ok {
		return c.common()
	}
	return nil
}

// usageOf makes a usage error of what the parser says.
func usageOf(err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	if command := parse.Context.Selected(); command != nil {
		usage := &usageError{fmt.Errorf("%s: %s (see natslock %[1]s --help)", command.Name, plainly(parse.Unwrap()))}
		if command.Name == "run" {
			return &failure{status: runFailed, err: usage}
		}
		return usage
	}
	if flag := misplaced(parse); flag != "" {
		return usagef("usage: %s goes after the command: natslock COMMAND %[1]s (see natslock --help)", flag)
	}
	return &usageError{fmt.Errorf("usage: %w (see natslock --help)", parse.Unwrap())}
}

// misplaced is the flag of some command that stands before any command; "" if that is
// not what is wrong.
func misplaced(parse *kong.ParseError) string {
	flag, ok := strings.CutPrefix(parse.Error(), "unknown flag ")
	flag, _, _ = strings.Cut(flag, ",")
	if !ok || len(flag) < 2 {
		return ""
	}
	for _, command := range parse.Context.Model.Children {
		for _, f := range command.Flags {
			if flag == "--"+f.Name || f.Short != 0 && flag == "-"+string(f.Short) {
				return flag
			}
		}
	}
	return ""
}

// plainly is what the parser says, without its own words.
func plainly(err error) string {
	said := strings.Replace(err.Error(), " (from envar ", " (from ", 1)
	if argument, ok := strings.CutPrefix(said, "expected "); ok {
		return "missing " + argument
	}
	return said
}

// checkText refuses what is not UTF-8: it could not be sent as it is, and the
// parser has mended it silently. What run runs may be any bytes.
func checkText(command *kong.Context) error {
	what := command.Selected().Name
	for _, arg := range command.Args[:len(command.Args)-len(passed(command))] {
		if !utf8.ValidString(arg) {
			return usagef("%s: %q is not valid UTF-8", what, arg)
		}
	}
	for _, flag := range command.Selected().Flags {
		for _, env := range flag.Envs {
			if value := os.Getenv(env); !utf8.ValidString(value) {
				return usagef("%s: %s=%q is not valid UTF-8", what, env, value)
			}
		}
	}
	return nil
}

// passed is what follows a command's own arguments, byte for byte.
func passed(command *kong.Context) []string {
	for _, v := range command.Selected().Positional {
		if v.Passthrough {
			return command.Args[len(command.Args)-v.Target.Len():]
		}
	}
	return nil
}

// given tells whether a flag is on the command line, and not only in the
// environment.
func given(command *kong.Context, name string) bool {
	for _, p := range command.Path {
		if p.Flag != nil && p.Flag.Name == name {
			return true
		}
	}
	return false
}
