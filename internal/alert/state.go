package alert

// State is where an alert is in its life.
type State string

// The states. Inactive stands only in transitions: an inactive alert is not kept.
const (
	Inactive State = "inactive"
	Pending  State = "pending"
	Firing   State = "firing"
	Resolved State = "resolved"
)

// Reasons of a transition.
const (
	ReasonBreach   = "breach"          // the condition holds
	ReasonRecover  = "recovered"       // the value is within its limit again, or a PromQL rule gives no result
	ReasonNoData   = "no_data"         // the series is gone for longer than the lookback
	ReasonFew      = "too_few_samples" // the value is beyond its limit still, but rests on too few labels
	ReasonRuleGone = "rule_removed"    // the rule was deleted, disabled or lost this severity
)

// Alert is one label set for which a rule holds, held or is about to.
// Times are unix milliseconds, 0 where there is none.
type Alert struct {
	Fingerprint string            `json:"fingerprint"` // Alertmanager's, of the labels
	Rule        string            `json:"rule"`
	Origin      Origin            `json:"origin"`
	Severity    string            `json:"severity,omitempty"`
	Model       string            `json:"model,omitempty"`
	Metric      string            `json:"metric,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`

	State    State    `json:"state"`
	Value    Number   `json:"value"`
	Limit    *float64 `json:"limit,omitempty"` // of threshold rules
	Operator Operator `json:"operator,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Reason   string   `json:"reason,omitempty"`

	PendingSince    int64 `json:"pending_since"`
	FiringSince     int64 `json:"firing_since,omitempty"`
	KeepFiringSince int64 `json:"keep_firing_since,omitempty"` // it holds no more and is kept firing
	ResolvedAt      int64 `json:"resolved_at,omitempty"`
	LastSeen        int64 `json:"last_seen"`             // the last evaluation at which it held
	ValidUntil      int64 `json:"valid_until,omitempty"` // of an alert handed on: unless repeated before

	// Inhibited is true for a warning while the critical alert of the same
	// rule and labels fires; Alertmanager then sends only the critical one.
	Inhibited bool `json:"inhibited,omitempty"`
}
