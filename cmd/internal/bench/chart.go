package bench

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Chart is a picture of a few lines over one logarithmic axis: an SVG file that any browser and any documentation shows.
type Chart struct {
	Title, X, Y string
	Lines       []Line
}

// Line is one of them.
type Line struct {
	Name   string
	Points []Point
}

// Point has X above 0; both are finite.
type Point struct{ X, Y float64 }

// The picture's geometry, in pixels.
const (
	chartWidth, chartHeight         = 720, 400
	chartLeft, chartRight, chartTop = 80, 24, 48
	chartBottom                     = 96
	plotWidth                       = chartWidth - chartLeft - chartRight
	plotHeight                      = chartHeight - chartTop - chartBottom
)

// lineColors are told apart by people who do not tell red from green.
var lineColors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7"}

// SVG draws it.
func (c *Chart) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label=%q>`+"\n", chartWidth, chartHeight, html.EscapeString(c.Title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", chartWidth, chartHeight)
	text(&b, chartLeft, 28, "start", "#1d232b", c.Title+": "+c.Y)
	xs, top := c.bounds()
	lo, hi := math.Log(xs[0]), math.Log(xs[len(xs)-1])
	place := func(p Point) (x, y float64) {
		at := 0.5
		if hi > lo {
			at = (math.Log(p.X) - lo) / (hi - lo)
		}
		return chartLeft + at*plotWidth, chartTop + (1-p.Y/top)*plotHeight
	}
	for i := range 5 {
		v := top * float64(i) / 4
		_, y := place(Point{xs[0], v})
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#d8dee6"/>`+"\n", chartLeft, y, chartLeft+plotWidth, y)
		text(&b, chartLeft-8, y+4, "end", "#57606a", short(v))
	}
	for _, v := range xs {
		x, _ := place(Point{v, 0})
		text(&b, x, chartTop+plotHeight+20, "middle", "#57606a", short(v))
	}
	text(&b, chartLeft+plotWidth/2, chartTop+plotHeight+42, "middle", "#57606a", c.X)
	for i, l := range c.Lines {
		color := lineColors[i%len(lineColors)]
		var path []string
		for _, p := range l.Points {
			x, y := place(p)
			path = append(path, fmt.Sprintf("%.1f,%.1f", x, y))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", x, y, color)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, " "), color)
		at := float64(chartLeft + i*plotWidth/max(1, len(c.Lines)))
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="12" height="4" fill="%s"/>`+"\n", at, chartHeight-24, color)
		text(&b, at+18, chartHeight-18, "start", "#1d232b", l.Name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// bounds are all X, ascending, and a round number above all Y.
func (c *Chart) bounds() (xs []float64, top float64) {
	for _, l := range c.Lines {
		for _, p := range l.Points {
			xs = append(xs, p.X)
			top = max(top, p.Y)
		}
	}
	slices.Sort(xs)
	if xs = slices.Compact(xs); len(xs) == 0 {
		xs = []float64{1}
	}
	if top <= 0 {
		return xs, 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(top)))
	return xs, math.Ceil(top/unit) * unit
}

func text(b *strings.Builder, x, y float64, anchor, color, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, color, html.EscapeString(s))
}

// short writes a number for an axis.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.4gM", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.4gk", v/1e3)
	default:
		return fmt.Sprintf("%.4g", v)
	}
}
