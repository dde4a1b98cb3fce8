package text

import (
	"io"
	"slices"
	"strings"
)

const (
	maxCell = 48 // columns of a cell on a terminal, also where there is room
	minCell = 4  // columns of a cell where there is none
	gap     = 2  // columns between cells
)

// Table prints rows to W. The zero value of its other fields is for a pipe.
type Table struct {
	W        io.Writer
	Terminal bool     // align, cut, and print Header
	Header   []string // one title a column
	Width    int      // columns of the terminal, which a row is made to fit. 0: not known
	Whole    []string // titles of columns that are of no use when cut

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
	widths := t.fit(natural(rows))
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

// fit takes from the widest column, again and again, what is too much for the
// terminal.
func (t *Table) fit(widths []int) []int {
	excess := gap*(len(widths)-1) - t.Width
	for _, w := range widths {
		excess += w
	}
	for ; t.Width > 0 && excess > 0; excess-- {
		widest := -1
		for i, w := range widths {
			if w > minCell && !slices.Contains(t.Whole, t.Header[i]) && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}
