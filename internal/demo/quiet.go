package demo

import (
	"math/rand/v2"
)

// Two models with little traffic that stay well: an overview has more than one row.

func deliveryTime(r *rand.Rand) *subject {
	s := &subject{
		name: "delivery-time", title: "Delivery time", task: "regression",
		segments: []string{"city"}, perSecond: 2.5, perMinute: 4, latencyMS: 21, errorRate: 0.001, draw: drawDelivery,
	}
	s.old = trainDelivery("2024-1", draws(r, 300, drawDelivery))
	s.new = trainDelivery("2024-2", draws(r, 2000, drawDelivery))
	return s
}

func drawDelivery(r *rand.Rand, _ float64) sample {
	distance, items, rain, load := min(r.ExpFloat64()*3+0.5, 18), float64(1+r.IntN(6)), max(0, normal(r, -1, 1.5)), r.Float64()
	vehicle := weighted(r, []string{"bike", "scooter", "car"}, []float64{50, 35, 15})
	city := weighted(r, []string{"Berlin", "Hamburg", "Paris", "Warsaw"}, []float64{40, 20, 25, 15})
	minutes := 9 + 2.9*distance + 1.1*items + 2.2*rain + 8*load + map[string]float64{"bike": 2, "car": 3}[vehicle] + normal(r, 0, 2.2)
	return sample{truth: rounded(max(minutes, 4), 1), features: map[string]any{
		"distance_km": rounded(distance, 2), "items": items, "rain_mm": rounded(rain, 1), "courier_load": rounded(load, 2),
		"vehicle": vehicle, "city": city,
	}}
}

func trainDelivery(name string, rows []sample) version {
	e := newEncoder(rows, []string{"distance_km", "items", "rain_mm", "courier_load"}, []string{"vehicle", "city"})
	fit := fitting{link: identity, rate: 0.08, steps: 300}
	for _, s := range rows {
		fit.x = append(fit.x, e.encode(s.features))
		fit.y = append(fit.y, s.truth.(float64))
	}
	w := fit.train()
	return version{name, func(features map[string]any) answer {
		return answer{Prediction: rounded(dot(w, e.encode(features)), 1)}
	}}
}

// teams take the tickets; each is spoken of in its own words.
var teams = []string{"billing", "technical", "sales", "account"}

// wordsOf is how many of its words a ticket for a team has, and of the others'.
const wordsOf, wordsElse = 4.0, 0.8

func ticketRouter(r *rand.Rand) *subject {
	s := &subject{
		name: "ticket-router", title: "Ticket router", task: "multiclass",
		segments: []string{"language"}, perSecond: 2, perMinute: 3, latencyMS: 55, errorRate: 0.001, draw: drawTicket,
	}
	s.old = trainRouter("r7", draws(r, 500, drawTicket))
	s.new = trainRouter("r8", draws(r, 3000, drawTicket))
	return s
}

func drawTicket(r *rand.Rand, _ float64) sample {
	team := weighted(r, teams, []float64{35, 35, 15, 15})
	features := map[string]any{
		"words":    float64(int(20 + r.ExpFloat64()*60)),
		"urgency":  rounded(r.Float64(), 2),
		"language": weighted(r, []string{"en", "de", "fr"}, []float64{60, 25, 15}),
		"product":  weighted(r, []string{"basic", "pro", "enterprise"}, []float64{50, 35, 15}),
	}
	for _, t := range teams {
		mean := wordsElse
		if t == team {
			mean = wordsOf
		}
		features["words_"+t] = max(0, rounded(normal(r, mean, 0.95), 1))
	}
	return sample{truth: team, features: features}
}

// trainRouter is one logistic regression a team; their scores are made to sum to 1.
func trainRouter(name string, rows []sample) version {
	numbers := []string{"words", "urgency"}
	for _, t := range teams {
		numbers = append(numbers, "words_"+t)
	}
	e := newEncoder(rows, numbers, []string{"language", "product"})
	weights := make([][]float64, len(teams))
	for k, team := range teams {
		fit := fitting{link: sigmoid, rate: 1, steps: 150}
		for _, s := range rows {
			fit.x = append(fit.x, e.encode(s.features))
			fit.y = append(fit.y, indicator(s.truth == team))
		}
		weights[k] = fit.train()
	}
	return version{name, func(features map[string]any) answer {
		x, scores, total := e.encode(features), map[string]float64{}, 0.0
		for k, team := range teams {
			scores[team] = sigmoid(dot(weights[k], x))
			total += scores[team]
		}
		best := teams[0]
		for _, team := range teams {
			if scores[team] = rounded(scores[team]/total, 4); scores[team] > scores[best] {
				best = team
			}
		}
		return answer{Prediction: best, Scores: scores}
	}}
}
