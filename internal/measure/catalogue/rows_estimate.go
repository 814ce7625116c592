package catalogue

import "github.com/leewayhq/leeway/internal/event"

// estimateRows are the quality that is to be expected while labels are out, and
// how it agrees with what the labels say. They rest on predictions and so stand
// with the data, not with the realised quality, whose alerts need labels.
//
// A gap beyond chance is a calibrator that no longer holds: the scores mean
// something else than in the reference. Two points of it are worth a look.
func estimateRows() []Metric {
	binary := []event.Task{event.Binary}
	rows := []Metric{
		{
			Key: "estimated_accuracy", Good: Higher,
			Title: Text{"Estimated accuracy", "估计准确率"},
			Help: Text{"Accuracy to be expected of the last hour's predictions, labelled or not, from their calibrated scores.",
				"根据校准后的得分，估计最近一小时预测（无论有无标签）的准确率。"},
		},
		{
			Key: "estimated_precision", Good: Higher,
			Title: Text{"Estimated precision", "估计精确率"},
			Help:  Text{"Precision to be expected of the last hour's predictions, from their calibrated scores.", "根据校准后的得分，估计最近一小时预测的精确率。"},
		},
		{
			Key: "estimated_recall", Good: Higher,
			Title: Text{"Estimated recall", "估计召回率"},
			Help:  Text{"Recall to be expected of the last hour's predictions, from their calibrated scores.", "根据校准后的得分，估计最近一小时预测的召回率。"},
		},
		{
			Key: "estimated_f1_score", Good: Higher,
			Title: Text{"Estimated F1 score", "估计 F1 值"},
			Help:  Text{"F1 score to be expected of the last hour's predictions, from their calibrated scores.", "根据校准后的得分，估计最近一小时预测的 F1 值。"},
		},
		{
			Key: "estimated_auc_roc", Good: Higher,
			Title: Text{"Estimated ROC AUC", "估计 ROC 曲线下面积"},
			Help:  Text{"ROC AUC to be expected of the last hour's predictions, from their calibrated scores.", "根据校准后的得分，估计最近一小时预测的 ROC 曲线下面积。"},
		},
		{
			Key: "estimate_gap_accuracy", Good: None, Operator: LT,
			Title: Text{"Accuracy less its estimate", "准确率与估计之差"},
			Help: Text{"Realised less estimated accuracy of the labels that came in the last hour; below zero the model is worse than its scores promise.",
				"最近一小时到达标签的实际准确率减估计准确率；小于零表示模型差于其得分所示。"},
		},
		{
			Key: "estimate_gap_auc_roc", Good: None, Operator: LT,
			Title: Text{"ROC AUC less its estimate", "ROC AUC 与估计之差"},
			Help: Text{"Realised less estimated ROC AUC of the labels that came in the last hour.",
				"最近一小时到达标签的实际 ROC AUC 减估计值。"},
		},
		{
			Key: "estimate_excess", Good: Lower, Operator: GTE, Warning: limit(0.02), EnabledByDefault: true,
			Title: Text{"Estimate out of tune", "估计失准"},
			Help: Text{"By how much accuracy or ROC AUC, whichever is further, is off its estimate beyond what chance explains (three standard errors); above zero the calibrator is stale.",
				"准确率或 ROC AUC（取较大者）偏离估计、超出随机误差（三倍标准误差）的幅度；大于零表示校准器已失效。"},
		},
	}
	for i := range rows {
		rows[i].Unit, rows[i].Tasks = Ratio, binary
	}
	return append(rows, errorEstimateRows()...)
}

// errorEstimateRows are those of models that predict a number.
func errorEstimateRows() []Metric {
	rows := []Metric{
		{
			Key: "estimated_mae", Good: Lower,
			Title: Text{"Estimated absolute error", "估计平均绝对误差"},
			Help: Text{"Mean absolute error to be expected of the last hour's predictions: what the reference had at the same predicted values.",
				"根据基准数据在相同预测值处的误差，估计最近一小时预测的平均绝对误差。"},
		},
		{
			Key: "estimated_rmse", Good: Lower,
			Title: Text{"Estimated root mean squared error", "估计均方根误差"},
			Help: Text{"Root mean squared error to be expected of the last hour's predictions, by their values.",
				"根据预测值估计最近一小时预测的均方根误差。"},
		},
		{
			Key: "estimate_gap_mae", Good: None, Operator: GT,
			Title: Text{"Absolute error less its estimate", "绝对误差与估计之差"},
			Help: Text{"Realised less estimated mean absolute error of the labels that came in the last hour; above zero the model is worse than it was at these values.",
				"最近一小时到达标签的实际平均绝对误差减估计值；大于零表示模型在这些取值上变差。"},
		},
	}
	for i := range rows {
		rows[i].Unit, rows[i].Tasks = Target, []event.Task{event.Regression}
	}
	return rows
}
