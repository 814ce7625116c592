package demo

import (
	"math"
)

// encoder turns features into a vector: numbers standardised, one place for
// each category. A missing number is the mean, an unknown category nothing.
type encoder struct {
	numbers []column
	places  map[string]int // "feature=category"
	size    int
}

type column struct {
	name      string
	mean, dev float64
}

func newEncoder(rows []sample, numbers, categories []string) *encoder {
	e := &encoder{places: map[string]int{}}
	for _, name := range numbers {
		var n, sum, squares float64
		for _, r := range rows {
			if v, ok := r.features[name].(float64); ok {
				n, sum, squares = n+1, sum+v, squares+v*v
			}
		}
		mean := sum / n
		e.numbers = append(e.numbers, column{name, mean, math.Sqrt(max(squares/n-mean*mean, 1e-12))})
	}
	e.size = 1 + len(numbers)
	for _, name := range categories {
		for _, r := range rows {
			if v, ok := r.features[name].(string); ok {
				if _, known := e.places[name+"="+v]; !known {
					e.places[name+"="+v] = e.size
					e.size++
				}
			}
		}
	}
	return e
}

func (e *encoder) encode(features map[string]any) []float64 {
	x := make([]float64, e.size)
	x[0] = 1
	for i, c := range e.numbers {
		if v, ok := features[c.name].(float64); ok {
			x[1+i] = (v - c.mean) / c.dev
		}
	}
	for name, v := range features {
		if s, ok := v.(string); ok {
			if place, known := e.places[name+"="+s]; known {
				x[place] = 1
			}
		}
	}
	return x
}

// fitting is a regression to be trained: logistic with the sigmoid as its link,
// linear with the identity.
type fitting struct {
	x     [][]float64
	y     []float64
	link  func(float64) float64
	rate  float64
	steps int
}

func sigmoid(z float64) float64  { return 1 / (1 + math.Exp(-z)) }
func identity(z float64) float64 { return z }

// train is gradient descent with momentum; the gradient of both losses is the
// error times the input.
func (f *fitting) train() []float64 {
	w, v, g := make([]float64, len(f.x[0])), make([]float64, len(f.x[0])), make([]float64, len(f.x[0]))
	for range f.steps {
		clear(g)
		for i, x := range f.x {
			miss := f.link(dot(w, x)) - f.y[i]
			for j, xj := range x {
				g[j] += miss * xj
			}
		}
		for j := range w {
			v[j] = 0.9*v[j] - f.rate*g[j]/float64(len(f.x))
			w[j] += v[j]
		}
	}
	return w
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
