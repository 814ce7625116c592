package detector

// cumulative is the family of Page's cumulative sums: how far values lie above
// their own running mean, added up until it is too much. step makes the next
// sum of the last one and of the distance from the mean.
type cumulative struct {
	wait  float64 // values before the first verdict
	over  func(sum float64) bool
	step  func(sum, distance float64) float64
	level mean
	sum   float64
}

func (c *cumulative) reset() { c.level, c.sum = mean{}, 0 }

func (c *cumulative) update(x float64) State {
	c.level.add(x)
	c.sum = c.step(c.sum, x-c.level.value)
	if c.level.n >= c.wait && c.over(c.sum) {
		return Drift
	}
	return Stable
}

// twin watches a stream and its mirror image, so that what notices rises
// notices falls too.
type twin struct{ up, down algorithm }

func (t *twin) reset() {
	t.up.reset()
	t.down.reset()
}

func (t *twin) update(x float64) State { return max(t.up.update(x), t.down.update(-x)) }

// eitherSide makes one algorithm, or two where two_sided is 1.
func eitherSide(p params, make func() algorithm) algorithm {
	if p.bool("two_sided") {
		return &twin{make(), make()}
	}
	return make()
}
