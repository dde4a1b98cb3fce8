// Package job runs a command as a job of its own, the way a shell does.
//
// The command is the leader of a new process group. That makes it possible to
// stop it with everything it has started, and obliges us to do a shell's work:
//
//   - Signals that reach this process are passed on to the whole group.
//   - On a terminal, the group becomes the foreground group when the command's
//     input and output are the terminal, so Ctrl-C and Ctrl-Z go to it and it
//     may read. In a pipeline (where a sibling such as a pager may need the
//     terminal) it starts in the background and gets the terminal when it asks
//     for it, which the kernel reports as a stop by SIGTTIN or SIGTTOU.
//   - When the command stops (Ctrl-Z), this process stops its own group too, so
//     that the shell above sees the job stop; when it is continued, so is the
//     command.
//   - When the command has ended, the terminal comes back.
//
// When the context ends, the group gets SIGTERM, and SIGKILL if something of it
// is left after Grace. Run returns when the command, and in this case its whole
// group, is gone. What a command leaves behind when it ends by itself is left
// alone.
//
// On Linux the command gets SIGKILL when this process dies without having
// stopped it. Only the command itself: processes that it started live on.
package job
