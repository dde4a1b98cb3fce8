package text

import (
	"io"
	"strings"
)

// maxCell is how many columns a cell may have on a terminal.
const maxCell = 48

// Table prints rows to W. The zero value of its other fields is for a pipe.
type Table struct {
	W        io.Writer
	Terminal bool     // align, cut, and print Header
	Header   []string // one title a column

	rows [][]string
}

// Row adds a row. Its cells must have gone through Escape where callers chose
// them. An empty cell is printed as "-".
func (t *Table) Row(cells ...string) {
	for i, c := range cells {
		if c == "" {
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
		aligned(&b, append([][]string{t.Header}, rows...))
	} else {
		for _, row := range rows {
			b.WriteString(strings.Join(row, "\t"))
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(t.W, b.String())
	return err
}

func aligned(b *strings.Builder, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			row[i] = cut(c, maxCell)
			widths[i] = max(widths[i], Width(row[i]))
		}
	}
	for _, row := range rows {
		for i, c := range row {
			if i == len(row)-1 {
				b.WriteString(c)
				break
			}
			b.WriteString(pad(c, widths[i]+2))
		}
		b.WriteByte('\n')
	}
}
