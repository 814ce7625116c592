package event

import "github.com/zeebo/xxh3"

// The roles of a batch of metric samples. They stand apart from those of rows
// of models, which go on being added to.
const (
	roleSeries role = 64 + iota
	roleValue
	roleHistogram
	roleExemplar
)

// Points are the columns of a batch of metric samples: a row is one number, one
// native histogram or one exemplar of a series, at the row's time. Package
// sample writes and reads what stands in them.
type Points struct {
	Series    Dict // label sets; each row has one
	Value     Num  // of a row without histogram; of an exemplar
	Histogram Text
	Exemplar  Text // its label set
}

// listPoints lists the columns of samples.
func (p *Part) listPoints(s *Points) {
	if !s.Series.Present() {
		return
	}
	series := &s.Series
	if p.rows != nil {
		taken := s.Series.Take(p.rows)
		taken.compact() // label sets are most of the bytes
		offsets, data := packStrings(taken.Values)
		p.columns = append(p.columns, source{role: roleSeries, buffers: [3]buffer{whole(view(taken.Codes)), whole(view(offsets)), whole(data)}})
	} else {
		p.dict(roleSeries, series)
	}
	if s.Value.Present() {
		p.num(roleValue, &s.Value)
	}
	p.text(roleHistogram, &s.Histogram)
	p.text(roleExemplar, &s.Exemplar)
}

// attachPoints takes a column of samples; mine tells whether it is one.
func (b *Batch) attachPoints(c *column) (mine bool, err error) {
	switch c.role {
	case roleSeries:
		b.Points.Series, err = c.dict(b.Rows)
	case roleValue:
		b.Points.Value, err = c.num(b.Rows)
	case roleHistogram:
		b.Points.Histogram, err = c.text(b.Rows)
	case roleExemplar:
		b.Points.Exemplar, err = c.text(b.Rows)
	default:
		return false, nil
	}
	return true, err
}

// take is the given rows of the columns.
func (s *Points) take(rows []int32) Points {
	return Points{Series: s.Series.Take(rows), Value: s.Value.Take(rows), Histogram: s.Histogram.take(rows), Exemplar: s.Exemplar.take(rows)}
}

// partition lists the rows of each partition: all of a series go to one, so
// that they keep their order.
func (s *Points) partition(parts int) [][]int32 {
	rows, home := make([][]int32, parts), make([]int, len(s.Series.Values))
	for i, v := range s.Series.Values {
		home[i] = int(xxh3.HashString(v) % uint64(parts))
	}
	for i, code := range s.Series.Codes {
		if code >= 0 {
			rows[home[code]] = append(rows[home[code]], int32(i))
		}
	}
	return rows
}
