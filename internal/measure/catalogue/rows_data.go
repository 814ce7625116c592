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
		{
			Key: "reconstruction_error", Unit: Number, Good: Lower, MinSamples: 100,
			Title: Text{"Reconstruction error", "重构误差"},
			Help: Text{"Mean distance of a row from its reconstruction by the principal components of the reference, in standard deviations: it rises when features no longer go together as they did, though each keeps its range.",
				"各行与由基准主成分重构结果之间的平均距离（以标准差计）：当各特征取值范围未变但相互关系改变时上升。"},
		},
		{
			Key: "joint_drift", Unit: Number, Good: Lower, Operator: GTE,
			Warning: limit(1), Critical: limit(2), MinSamples: 100,
			Title: Text{"Joint drift", "联合漂移"},
			Help: Text{"How far the reconstruction error is from that of the reference, in units of the distance to its limit; 1 is the limit, three deviations of the reference's chunks.",
				"重构误差偏离基准的程度，以到其限值的距离为单位；1 即限值，为基准各分块的三倍标准差。"},
		},
	}
	rows = append(rows, soundRows()...)
	rows = append(rows, estimateRows()...)
	for i := range rows {
		rows[i].Group = Data
	}
	return rows
}

// soundRows are the metrics of data that is there but wrong, or not there. None
// pages unless asked to: what is usual differs too much from model to model.
func soundRows() []Metric {
	return []Metric{
		{
			Key: "data_quality_score", Unit: Percent, Good: Higher,
			Warning: limit(0.95), Critical: limit(0.90), MinSamples: 30,
			Title: Text{"Data quality score", "数据质量评分"},
			Help: Text{"Mean over the features of their share of sound rows, times the share of rows that are not duplicates. Unsound are rows missing beyond the reference's share, infinite, of the wrong type, out of the reference's range or of a category it never had; a feature that got stuck counts 0.",
				"各特征合格行比例的平均值，再乘以非重复行的比例。不合格指：缺失超出基准比例、无穷大、类型错误、超出基准取值范围或基准中从未出现的类别；取值卡死的特征计 0。"},
		},
		{
			Key: "duplicate_rate", Unit: Percent, Good: Lower,
			Warning: limit(0.01), Critical: limit(0.05), MinSamples: 30,
			Title: Text{"Duplicate rate", "重复率"},
			Help:  Text{"Share of the rows that came whose id had been seen; they are not counted twice.", "到达的行中编号已出现过的比例；这些行不会重复计入。"},
		},
		{
			Key: "row_volume", Unit: Percent, Good: Higher,
			Warning: limit(0.5), Critical: limit(0.1),
			Title: Text{"Row volume", "数据量"},
			Help: Text{"Rows of the last hour over those of a usual one: the median of the same hour on the seven days before, three at least.",
				"最近一小时的行数与通常行数之比；通常行数取前七天同一小时的中位数，至少需三天。"},
		},
		{
			Key: "data_age", Unit: Millis, Good: Lower,
			Warning: limit(15 * 60_000), Critical: limit(60 * 60_000),
			Title: Text{"Data age", "数据时效"},
			Help:  Text{"Time since the newest row of the model, by the time that the row carries.", "距该模型最新一行数据的时间，以数据自带的时间为准。"},
		},
		{
			Key: "unseen_rate", Unit: Percent, Good: Lower, By: "feature",
			Warning: limit(0.01), Critical: limit(0.05), MinSamples: 30,
			Title: Text{"Unseen categories", "未见类别率"},
			Help:  Text{"Share of a feature's values in categories that the reference never had.", "特征值属于基准中从未出现的类别的比例。"},
		},
		{
			Key: "type_error_rate", Unit: Percent, Good: Lower, By: "feature",
			Warning: limit(0.001), Critical: limit(0.01), MinSamples: 30,
			Title: Text{"Type errors", "类型错误率"},
			Help:  Text{"Share of rows in which a feature is a string where numbers are expected, or a number where strings are.", "特征应为数值却为字符串、或应为字符串却为数值的行所占比例。"},
		},
		{
			Key: "outlier_rate_iqr", Unit: Percent, Good: Lower, By: "feature",
			Warning: limit(0.04), Critical: limit(0.08), MinSamples: 30,
			Title: Text{"Outlier rate (IQR)", "异常值率（四分位距）"},
			Help: Text{"Share of a feature's values further than 1.5 interquartile ranges from the reference's quartiles.",
				"特征值超出基准四分位数 1.5 倍四分位距的比例。"},
		},
		{
			Key: "outlier_rate_zscore", Unit: Percent, Good: Lower, By: "feature",
			Warning: limit(0.04), Critical: limit(0.08), MinSamples: 30,
			Title: Text{"Outlier rate (z-score)", "异常值率（Z 分数）"},
			Help: Text{"Share of a feature's values further than three standard deviations from the reference's mean.",
				"特征值偏离基准均值超过三个标准差的比例。"},
		},
	}
}
