package bench

import (
	"encoding/json"
	"time"
)

// Figures are what was measured of one side of a point.
type Figures struct {
	PerSecond float64 // pairs of acquire and release; of a hot name, hand-overs
	P50, P99  time.Duration
	Samples   int
}

// Point is one number of callers.
type Point struct {
	Callers int
	Figures
	Echo       *Figures // nil if nobody served it
	OutOfOrder int      // grants of a hot name that overtook another
}

func newPoint(n int, t, echo *tally) Point {
	p := Point{Callers: n, Figures: t.figures(), OutOfOrder: t.outOfOrder}
	if echo != nil {
		f := echo.figures()
		p.Echo = &f
	}
	return p
}

func (t *tally) figures() Figures {
	t.samples.sort()
	return Figures{
		PerSecond: float64(t.pairs) / t.length.Seconds(),
		P50:       t.samples.quantile(0.50),
		P99:       t.samples.quantile(0.99),
		Samples:   len(t.samples),
	}
}

// Ratio is how many times the echo's rate the service's is; 0 without an echo.
func (p *Point) Ratio() float64 {
	if p.Echo == nil || p.Echo.PerSecond == 0 {
		return 0
	}
	return p.PerSecond / p.Echo.PerSecond
}

// P50Ratio is how many times the echo's median latency the service's is; 0
// without an echo.
func (p *Point) P50Ratio() float64 {
	if p.Echo == nil || p.Echo.P50 == 0 {
		return 0
	}
	return float64(p.P50) / float64(p.Echo.P50)
}

// MarshalJSON writes latencies in microseconds.
func (f Figures) MarshalJSON() ([]byte, error) {
	return json.Marshal(f.fields())
}

type figureFields struct {
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	Samples   int     `json:"samples"`
}

func (f Figures) fields() figureFields {
	return figureFields{PerSecond: f.PerSecond, P50: Micros(f.P50), P99: Micros(f.P99), Samples: f.Samples}
}

// MarshalJSON writes the point with its ratios.
func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Callers int `json:"callers"`
		figureFields
		Echo       *Figures `json:"echo,omitempty"`
		Ratio      float64  `json:"ratio,omitempty"`
		P50Ratio   float64  `json:"p50_ratio,omitempty"`
		OutOfOrder int      `json:"out_of_order"`
	}{p.Callers, p.fields(), p.Echo, p.Ratio(), p.P50Ratio(), p.OutOfOrder})
}

// Micros is a duration in microseconds.
func Micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
