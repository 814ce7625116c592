package profile

import (
	"math"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

const (
	// MaxScoredClasses is how many classes of a model have their scores kept.
	// Past it those with the least XXH3 hash of their name stay; each part of
	// the rows keeps them as well, so what is kept of a class is all of it.
	MaxScoredClasses = 16
	// ClassExactShare is by how much fewer rows the scores of classes are kept
	// for than other values: a row has one for each class.
	ClassExactShare = 8
)

// ClassScores is the scores of the classes of labelled rows.
type ClassScores struct {
	Rows  int64 // labelled rows with a score of any class
	Other int64 // scores of classes that are not kept
	Of    map[string]*OneVsRest

	ProbLabels int64    // rows whose label has a score in 0..1, which this sums:
	LogLoss    FixedSum // natural log, clipped as that of Quality
}

// OneVsRest is the scores of a class, of rows with its label and of all others.
type OneVsRest struct{ Pos, Neg ScoreSet }

func newOneVsRest() *OneVsRest {
	return &OneVsRest{Pos: ScoreSet{kind: ofClasses}, Neg: ScoreSet{kind: ofClasses}}
}

func (q *Quality) addClasses(o *Outcome, sign int64) {
	if len(o.ClassScores) == 0 {
		return
	}
	if q.Classes == nil {
		q.Classes = &ClassScores{}
	}
	q.Classes.add(o, sign)
}

func (c *ClassScores) add(o *Outcome, sign int64) {
	any := false
	for i, s := range o.ClassScores[:min(len(o.ClassScores), len(o.ScoredClasses))] {
		if !finite(s) {
			continue
		}
		any = true
		class := c.of(o.ScoredClasses[i])
		if o.ScoredClasses[i] != o.Label {
			class.Neg.Add(s, sign)
			continue
		}
		class.Pos.Add(s, sign)
		if s >= 0 && s <= 1 {
			c.ProbLabels += sign
			c.LogLoss.add(-math.Log(clamp(s, logLossClip, 1-logLossClip)), sign)
		}
	}
	if any {
		c.Rows += sign
	}
	if len(c.Of) >= 2*MaxScoredClasses {
		c.trim()
	}
}

// of copies the name of a new class, which may lie in a batch's memory.
func (c *ClassScores) of(name string) *OneVsRest {
	class := c.Of[name]
	if class == nil {
		if c.Of == nil {
			c.Of = make(map[string]*OneVsRest)
		}
		class = newOneVsRest()
		c.Of[strings.Clone(name)] = class
	}
	return class
}

// trim drops the classes past the cap, those with the greatest hash.
func (c *ClassScores) trim() {
	if len(c.Of) <= MaxScoredClasses {
		return
	}
	hashes := make([]uint64, 0, len(c.Of))
	for name := range c.Of {
		hashes = append(hashes, xxh3.HashString(name))
	}
	slices.Sort(hashes)
	last := hashes[MaxScoredClasses-1]
	for name, class := range c.Of {
		if xxh3.HashString(name) > last {
			c.Other += class.N()
			delete(c.Of, name)
		}
	}
}

// N is the net count of both sides.
func (x *OneVsRest) N() int64 { return x.Pos.n + x.Neg.n }

// Merge adds o to c. The scores are kept if all were and the rows are at most
// limit / ClassExactShare.
func (c *ClassScores) Merge(o *ClassScores, limit int) {
	c.Rows += o.Rows
	c.Other += o.Other
	c.ProbLabels += o.ProbLabels
	c.LogLoss.merge(o.LogLoss)
	for name, theirs := range o.Of {
		class := c.of(name)
		class.Pos.add(&theirs.Pos)
		class.Neg.add(&theirs.Neg)
	}
	c.settle(limit)
}

// settle ends additions and applies the caps.
func (c *ClassScores) settle(limit int) {
	c.trim()
	grid := c.Rows > int64(limit/ClassExactShare)
	for name, class := range c.Of {
		class.Pos.settle()
		class.Neg.settle()
		if class.Pos.isEmpty() && class.Neg.isEmpty() {
			delete(c.Of, name)
			continue
		}
		grid = grid || class.Pos.gridded || class.Neg.gridded
	}
	if !grid {
		return
	}
	for _, class := range c.Of {
		class.Pos.toGrid()
		class.Neg.toGrid()
	}
}

func (c *ClassScores) isEmpty() bool {
	for _, class := range c.Of {
		if !class.Pos.isEmpty() || !class.Neg.isEmpty() {
			return false
		}
	}
	return c.Rows == 0 && c.Other == 0 && c.ProbLabels == 0 && c.LogLoss == FixedSum{}
}
