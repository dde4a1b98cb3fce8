package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"

	"github.com/natslock/natslock/cmd/natslock/bench"
	"github.com/natslock/natslock/cmd/natslock/text"
)

// benchReport is what a benchmark has found.
type benchReport struct {
	Build       build         `json:"build"`
	CPUs        int           `json:"cpus"`
	Server      string        `json:"server,omitempty"` // "" is one of our own
	Sync        string        `json:"sync,omitempty"`
	Fsync       float64       `json:"fsync_p50_us,omitempty"`
	Connections int           `json:"connections,omitempty"`
	Separate    []bench.Point `json:"separate,omitempty"`
	Hot         []bench.Point `json:"hot,omitempty"`
	Held        *bench.Held   `json:"held,omitempty"`

	Killed   []*bench.Killed `json:"killed,omitempty"`
	Presence *bench.Presence `json:"presence,omitempty"`
	Idle     []bench.Beside  `json:"idle,omitempty"`
}

func newBenchReport() *benchReport {
	return &benchReport{Build: about(), CPUs: runtime.NumCPU()}
}

func (r *benchReport) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// write prints the report for people.
func (r *benchReport) write(w io.Writer) error {
	where := "server " + r.Server
	if r.Server == "" {
		where = fmt.Sprintf("--sync %s, fsync of 4 KiB %s µs (median)", r.Sync, round(r.Fsync, 0))
	}
	if _, err := fmt.Fprintf(w, "%s, %d CPUs, %s\n", r.Build, r.CPUs, where); err != nil {
		return err
	}
	if err := writePoints(w, "separate names: each caller acquires and releases its own", separateHeader, r.Separate); err != nil {
		return err
	}
	if err := writePoints(w, "one hot name: all wait for it, who is granted releases at once", hotHeader, r.Hot); err != nil {
		return err
	}
	if r.Held != nil {
		return writeHeld(w, r.Held)
	}
	return r.writePresence(w)
}

var (
	separateHeader = []string{"CALLERS", "PAIRS/S", "P50", "P99", "ECHO PAIRS/S", "ECHO P50", "ECHO P99", "RATIO", "P50 RATIO"}
	hotHeader      = []string{"WAITERS", "HAND-OVERS/S", "P50", "P99", "ECHO PAIRS/S", "ECHO P50", "ECHO P99", "RATIO", "P50 RATIO", "OUT OF ORDER"}
)

func writePoints(w io.Writer, title string, header []string, points []bench.Point) error {
	if len(points) == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "\n%s\n\n", title); err != nil {
		return err
	}
	t := text.Table{W: w, Terminal: true, Header: header}
	for _, p := range points {
		row := append([]string{strconv.Itoa(p.Callers)}, figures(&p.Figures)...)
		if p.Echo != nil {
			row = append(append(row, figures(p.Echo)...), round(p.Ratio(), 2), round(p.P50Ratio(), 1))
		} else {
			row = append(row, "", "", "", "", "")
		}
		row = append(row, strconv.Itoa(p.OutOfOrder)) // of one name only
		t.Row(row[:len(header)]...)
	}
	return t.Flush()
}

func figures(f *bench.Figures) []string {
	return []string{round(f.PerSecond, 0), micros(f.P50), micros(f.P99)}
}

// micros is a latency to three digits.
func micros(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < 100*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func writeHeld(w io.Writer, h *bench.Held) error {
	_, err := fmt.Fprintf(w, "\n%d locks held: acquired in %s (%s/s), server RSS %s\n",
		h.Locks, rough(h.Took), round(float64(h.Locks)/h.Took.Seconds(), 0), megabytes(h.RSS))
	if err != nil {
		return err
	}
	for _, r := range h.Restarts {
		if _, err := fmt.Fprintf(w, "started again, %s before: ready in %s, RSS %s\n", r.After, rough(r.Ready), megabytes(r.RSS)); err != nil {
			return err
		}
	}
	return nil
}

func megabytes(n int64) string { return round(float64(n)/1e6, 0) + " MB" }
