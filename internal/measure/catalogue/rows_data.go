package catalogue

// dataRows are the metrics of what goes into a model and what comes out.
//
// Limits of drift are inclusive, as those of METHODS.md are. The share of
// drifted features warns at 0.3 and is critical at 0.5: one column in three is
// more than one broken source, and half of the columns is the rule by which
// the field calls a whole data set drifted. PSI has its customary 0.1 and
// 0.25. Only the share pages by default: a single drifted feature is shown,
// and pages those who ask for it.
func dataRows() []Metric {
	rows := []Metric{
		{
			Key: "data_drift", Unit: Percent, Good: Lower, Operator: GTE,
			Warning: limit(0.3), Critical: limit(0.5), MinSamples: 30, EnabledByDefault: true,
			Title: Text{"Data drift", "数据漂移"},
			Help: Text{"Share of features whose distribution drifted from the reference: significant, and the effect at or above its limit.",
				"相对基准发生漂移的特征比例：统计显著且效应达到阈值。"},
		},
		{
			Key: "feature_drift", Unit: Number, Good: Lower, Operator: GTE, By: "feature",
			Warning: limit(0.1), Critical: limit(0.25), MinSamples: 30,
			Title: Text{"Feature drift", "特征漂移"},
			Help: Text{"Population stability index of one feature against the reference.",
				"单个特征相对基准的群体稳定性指数（PSI）。"},
		},
		{
			Key: "missing_rate", Unit: Percent, Good: Lower, By: "feature",
			Warning: limit(0.05), Critical: limit(0.10), MinSamples: 30,
			Title: Text{"Missing rate", "缺失率"},
			Help:  Text{"Share of rows in which a feature is null, empty or not a number.", "特征为空值、空串或非数的行所占比例。"},
		},
		{
			Key: "outlier_rate", Unit: Percent, Good: Lower, By: "feature",
			Warning: limit(0.04), Critical: limit(0.08), MinSamples: 30,
			Title: Text{"Outlier rate", "异常值率"},
			Help: Text{"Share of a feature's values outside the reference's 0.5 and 99.5 percentiles; 1 % is expected.",
				"特征值落在基准 0.5 与 99.5 百分位之外的比例；正常约为 1 %。"},
		},
		{
			Key: "prediction_drift", Unit: Number, Good: Lower, Operator: GTE, By: "feature",
			Warning: limit(0.1), Critical: limit(0.25), MinSamples: 30,
			Title: Text{"Prediction drift", "预测漂移"},
			Help: Text{"Population stability index of the predictions against the reference; the feature is score, class or value.",
				"预测结果相对基准的群体稳定性指数（PSI）；feature 为 score、class 或 value。"},
		},
	}
	for i := range rows {
		rows[i].Group = Data
	}
	return rows
}
