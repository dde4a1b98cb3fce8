//go:build mutants

package lock

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// A litter is a file of the core with many mutants in it: each function that has
// faults is there as it is, and again with each of them, and what has its name
// goes to the one whose fault is on.
type litter struct {
	source string
	parsed *ast.File
	faulty map[*ast.FuncDecl][]int
	more   strings.Builder // the functions with faults
}

func newLitter(t *testing.T, file, source string) *litter {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &litter{source: source, parsed: parsed, faulty: map[*ast.FuncDecl][]int{}}
}

// add puts a mutant in, whose text is at a place of the file, unless that is
// outside of any function.
func (l *litter) add(fault, at int, m mutant) bool {
	for _, d := range l.parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Type.TypeParams != nil || at < l.offset(f.Body.Pos()) || at+len(m.text) > l.offset(f.End()) {
			continue
		}
		l.faulty[f] = append(l.faulty[f], fault)
		fmt.Fprintf(&l.more, "\n%s%s%s%s%s\n", l.part(f.Pos(), f.Name.Pos()), chosen(f.Name.Name, fault),
			l.source[l.offset(f.Name.End()):at], m.out, l.source[at+len(m.text):l.offset(f.End())])
		return true
	}
	return false
}

// text is the file with what was put in.
func (l *litter) text() string {
	var b, choosers strings.Builder
	from := l.parsed.FileStart
	for _, d := range l.parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || l.faulty[f] == nil {
			continue
		}
		b.WriteString(l.part(from, f.Name.Pos()) + chosen(f.Name.Name, noFault))
		from = f.Name.End()
		choosers.WriteString(l.chooser(f, l.faulty[f]))
	}
	return b.String() + l.part(from, l.parsed.FileEnd) + l.more.String() + choosers.String()
}

// chooser is a function that goes to the one of its kind whose fault is on.
func (l *litter) chooser(f *ast.FuncDecl, faults []int) string {
	var b strings.Builder
	call := ""
	b.WriteString("\nfunc ")
	if f.Recv != nil {
		b.WriteString("(it " + l.part(f.Recv.List[0].Type.Pos(), f.Recv.List[0].Type.End()) + ") ")
		call = "it."
	}
	var params, args []string
	for _, field := range f.Type.Params.List {
		dots := ""
		if _, ok := field.Type.(*ast.Ellipsis); ok {
			dots = "..."
		}
		for range max(1, len(field.Names)) {
			name := fmt.Sprintf("arg%d", len(args))
			params = append(params, name+" "+l.part(field.Type.Pos(), field.Type.End()))
			args = append(args, name+dots)
		}
	}
	b.WriteString(f.Name.Name + "(" + strings.Join(params, ", ") + ") ")
	if f.Type.Results != nil {
		b.WriteString(l.part(f.Type.Results.Pos(), f.Type.Results.End()))
		call = "return " + call
	}
	b.WriteString(" {\n\tswitch faultIsOn {\n")
	for _, fault := range append(slices.Clone(faults), noFault) {
		when := fmt.Sprintf("case %d", fault)
		if fault == noFault {
			when = "default"
		}
		fmt.Fprintf(&b, "\t%s:\n\t\t%s%s(%s)\n", when, call, chosen(f.Name.Name, fault), strings.Join(args, ", "))
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

func (l *litter) offset(p token.Pos) int { return int(p - l.parsed.FileStart) }

func (l *litter) part(from, to token.Pos) string { return l.source[l.offset(from):l.offset(to)] }
