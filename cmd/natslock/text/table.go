package text

import (
	"io"
	"slices"
	"strings"
)

const (
	maxCell = 48 // columns of a cell on a terminal, also where there is room
	minCell = 4  // columns of a cell where there is none
	gap     = 2  // columns between cells; one less where there is no room
)

// Table prints rows to W. The zero value of its other fields is for a pipe.
type Table struct {
	W        io.Writer
	Terminal bool     // align, cut, and print Header
	Header   []string // one title a column
	Width    int      // columns of the terminal, which a row is made to fit. 0: not known
	Whole    []string // titles of columns that are of no use when cut
	Spare    []string // titles of columns that are cut before others are

	rows [][]string
}

// Row adds a row. Its cells must have gone through Escape where callers chose
// them: else they are only made Printable. An empty cell is printed as "-".
func (t *Table) Row(cells ...string) {
	for i, c := range cells {
		if cells[i] = Printable(c); c == "" {
			cells[i] = "-"
		}
	}
	t.rows = append(t.rows, cells)
}

// Flush prints what was added and forgets it.
func (t *Table) Flush() error {
	rows := t.rows
	t.rows = nil
	var b strings.Builder
	if t.Terminal {
		t.align(&b, append([][]string{t.Header}, rows...))
	} else {
		for _, row := range rows {
			b.WriteString(strings.Join(row, "\t"))
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(t.W, b.String())
	return err
}

// align prints rows with cells cut so that they fit.
func (t *Table) align(b *strings.Builder, rows [][]string) {
	widths, gap := natural(rows), gap
	if t.Width > 0 && total(widths, gap) > t.Width {
		gap--
		t.shrink(widths, gap, t.Width)
	}
	for _, row := range rows {
		for i, c := range row {
			c = Cut(c, widths[i])
			if i == len(row)-1 {
				b.WriteString(c)
				break
			}
			b.WriteString(pad(c, widths[i]+gap))
		}
		b.WriteByte('\n')
	}
}

// natural is how wide the columns are where there is room.
func natural(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], min(Width(c), maxCell))
		}
	}
	return widths
}

// total is how wide a row is.
func total(widths []int, gap int) int {
	n := gap * (len(widths) - 1)
	for _, w := range widths {
		n += w
	}
	return n
}

// shrink takes from the widest column, again and again, until the row has no
// more than so many columns: first from those that can be spared.
func (t *Table) shrink(widths []int, gap, room int) {
	spare := func(i int) bool { return slices.Contains(t.Spare, t.Header[i]) }
	rest := func(i int) bool { return !slices.Contains(t.Whole, t.Header[i]) }
	for _, may := range []func(int) bool{spare, rest} {
		for total(widths, gap) > room {
			i := widest(widths, may)
			if i < 0 {
				break
			}
			widths[i]--
		}
	}
}

// widest is the widest of the columns that may be cut, or -1.
func widest(widths []int, may func(int) bool) int {
	at := -1
	for i, w := range widths {
		if w > minCell && may(i) && (at < 0 || w > widths[at]) {
			at = i
		}
	}
	return at
}
