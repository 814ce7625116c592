package dashboard

import (
	"context"
	"net/http"

	"github.com/leewayhq/leeway/internal/measure"
	"github.com/leewayhq/leeway/internal/profile"
	"github.com/leewayhq/leeway/internal/store/profiles"
)

type dataQualityAnswer struct {
	Model     string           `json:"model"`
	From      string           `json:"from"`
	To        string           `json:"to"`
	Rows      int64            `json:"rows"`
	Reference referenceJSON    `json:"reference"`
	Data      *dataState       `json:"data"`
	Features  []featureQuality `json:"features"`
}

// dataState is the quality of all of the data together.
type dataState struct {
	Score          valueJSON  `json:"score"`
	MissingRate    valueJSON  `json:"missing_rate"`
	Duplicates     int64      `json:"duplicates"`
	DuplicateRate  valueJSON  `json:"duplicate_rate"`
	Constant       int        `json:"constant"`
	AlmostConstant int        `json:"almost_constant"`
	Volume         volumeJSON `json:"volume"`
	Newest         stamp      `json:"newest"`
	Age            num        `json:"age_ms"`
}

type volumeJSON struct {
	valueJSON
	Usual num `json:"usual"`
}

type featureQuality struct {
	Name           string             `json:"name"`
	Kind           string             `json:"kind"`
	Rows           int64              `json:"rows"`
	Missing        int64              `json:"missing"`
	MissingRate    num                `json:"missing_rate"`
	NaN            int64              `json:"nan"`
	Infinite       int64              `json:"infinite"`
	TypeErrors     int64              `json:"type_errors"`
	Compared       bool               `json:"compared"`
	Outliers       int64              `json:"outliers"`
	OutlierRate    num                `json:"outlier_rate"`
	OutliersIQR    int64              `json:"outliers_iqr"`
	OutliersZScore int64              `json:"outliers_zscore"`
	Unseen         int64              `json:"unseen"`
	UnseenRate     num                `json:"unseen_rate"`
	OutOfRange     int64              `json:"out_of_range"`
	OutOfRangeRate num                `json:"out_of_range_rate"`
	Mean           num                `json:"mean"`
	SD             num                `json:"sd"`
	Min            num                `json:"min"`
	Max            num                `json:"max"`
	Quantiles      map[string]num     `json:"quantiles"`
	QuantileError  num                `json:"quantile_error"`
	Distinct       int64              `json:"distinct"`
	DistinctExact  bool               `json:"distinct_exact"`
	TopShare       num                `json:"top_share"`
	Constant       bool               `json:"constant"`
	AlmostConstant bool               `json:"almost_constant"`
	Score          num                `json:"score"`
	Top            []categoryCountRow `json:"top"`
}

type categoryCountRow struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

func (s *Server) getDataQuality(r *http.Request) (any, error) {
	m, sp, cur, err := s.features(r)
	if err != nil {
		return nil, err
	}
	ref, source, err := s.referenceFor(r, &m)
	if err != nil {
		return nil, err
	}
	out := dataQualityAnswer{
		Model: m.Name, From: s.rfc3339(sp.from), To: s.rfc3339(sp.to),
		Reference: s.referenceJSON(source, ref), Features: []featureQuality{},
	}
	if cur == nil {
		return out, nil
	}
	out.Rows = cur.Rows()
	list := measure.DataQuality(cur, ref)
	for i := range list {
		out.Features = append(out.Features, featureQualityOf(&list[i]))
	}
	out.Data, err = s.dataState(r.Context(), sp.query(profiles.ByPrediction, m.Name), cur, list)
	return out, err
}

// usualRanges is how many ranges of before make a usual one.
const usualRanges = 7

func (s *Server) dataState(ctx context.Context, q profiles.Query, cur *profile.Profile, list []measure.FeatureQuality) (*dataState, error) {
	before, err := s.cfg.Profiles.RowsOfDaysBefore(ctx, q, usualRanges)
	if err != nil {
		return nil, err
	}
	d := measure.DataStateOf(cur, list)
	out := &dataState{
		Score: valueOf(d.Score), MissingRate: valueOf(d.MissingRate), Duplicates: d.Duplicates, DuplicateRate: valueOf(d.DuplicateRate),
		Constant: d.Constant, AlmostConstant: d.AlmostConst, Volume: volumeJSON{valueOf(measure.Volume(d.Rows, before)), none}, Age: none,
	}
	if len(before) > 0 {
		out.Volume.Usual = num(measure.Median(before))
	}
	if d.Rows > 0 {
		out.Newest, out.Age = stamp(cur.LastTime), num(measure.Age(cur.LastTime, s.cfg.Now().UnixMilli()))
	}
	return out, nil
}

var quantileNames = map[float64]string{0.01: "0.01", 0.05: "0.05", 0.25: "0.25", 0.5: "0.5", 0.75: "0.75", 0.95: "0.95", 0.99: "0.99"}

func featureQualityOf(f *measure.FeatureQuality) featureQuality {
	q := featureQuality{
		Name: f.Name, Kind: f.Kind, Rows: f.Rows, Missing: f.Missing, MissingRate: num(f.MissingRate),
		NaN: f.NaN, Infinite: f.Infinite, TypeErrors: f.TypeErrors, Compared: f.Compared,
		Outliers: f.Outliers, OutlierRate: num(f.OutlierRate), OutliersIQR: f.OutliersIQR, OutliersZScore: f.OutliersZScore, Unseen: f.Unseen, UnseenRate: num(f.UnseenRate),
		OutOfRange: f.OutOfRange, OutOfRangeRate: num(f.OutOfRangeRate),
		Mean: none, SD: none, Min: none, Max: none, QuantileError: none,
		Distinct: f.Variety.Distinct, DistinctExact: f.Variety.Exact, TopShare: num(f.Variety.Top),
		Constant: f.Variety.Constant, AlmostConstant: f.Variety.AlmostConstant, Score: none,
		Quantiles: map[string]num{}, Top: []categoryCountRow{},
	}
	if x := f.Number; x != nil {
		q.Mean, q.SD, q.Min, q.Max = num(x.Mean), numOf(x.SD), num(x.Min), num(x.Max)
		q.QuantileError = num(x.QuantileError)
		for _, p := range x.Quantiles {
			q.Quantiles[quantileNames[p.Q]] = num(p.Value)
		}
	}
	if c := f.Category; c != nil {
		for _, t := range c.Top {
			q.Top = append(q.Top, categoryCountRow{t.Name, t.Count})
		}
	}
	if f.Score.Defined {
		q.Score = num(f.Score.Value)
	}
	if !f.Compared {
		q.OutlierRate, q.UnseenRate, q.OutOfRangeRate = none, none, none
	}
	return q
}
