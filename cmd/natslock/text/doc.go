// Package text prints rows for people and for programs.
//
// On a terminal a Table is aligned, with a header and cells cut to size. In a
// pipe it is one row a line, cells separated by tabs, never cut and without a
// header, so that cut(1) and awk(1) can rely on it.
//
// Everything that callers chose (names, owners, meta) goes through Escape
// first: whoever can name a lock cannot move the cursor of whoever lists it.
// Escape is reversible and leaves no tab or line break, so a pipe's rows stay
// rows.
package text
