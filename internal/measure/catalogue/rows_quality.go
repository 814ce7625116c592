package catalogue

import (
	"slices"

	"github.com/leewayhq/leeway/internal/event"
)

// limit makes an optional number out of a constant.
func limit(v float64) *float64 { return &v }

func qualityRows() []Metric {
	rows := slices.Concat(classRows(), scoreRows(), averageRows(), valueRows(), errorRows(), rankingRows())
	for i := range rows {
		rows[i].Group = Quality
	}
	return rows
}

// classRows are the metrics of models that decide between classes.
func classRows() []Metric {
	both := []event.Task{event.Binary, event.Multiclass}
	binary := []event.Task{event.Binary}
	return []Metric{
		{
			Key: "accuracy", Unit: Ratio, Good: Higher, Tasks: both, Critical: limit(0.90), EnabledByDefault: true,
			Title: Text{"Accuracy", "准确率"},
			Help:  Text{"Share of labelled predictions whose class was right.", "已有标签的预测中类别正确的比例。"},
		},
		{
			Key: "precision", Unit: Ratio, Good: Higher, Tasks: both, Warning: limit(0.85), EnabledByDefault: true,
			Title: Text{"Precision", "精确率"},
			Help: Text{"Share of positive predictions that were right; for several classes, the mean over classes that were predicted.",
				"预测为正的样本中正确的比例；多分类时为各被预测类别的平均值。"},
		},
		{
			Key: "recall", Unit: Ratio, Good: Higher, Tasks: both, Warning: limit(0.85), EnabledByDefault: true,
			Title: Text{"Recall", "召回率"},
			Help: Text{"Share of true positives that the model found; for several classes, the mean over classes that occurred.",
				"真实为正的样本中被模型找到的比例；多分类时为各出现类别的平均值。"},
		},
		{
			Key: "f1_score", Unit: Ratio, Good: Higher, Tasks: both,
			Title: Text{"F1 score", "F1 值"},
			Help: Text{"Harmonic mean of precision and recall; for several classes, the mean over classes.",
				"精确率与召回率的调和平均；多分类时为各类别的平均值。"},
		},
		{
			Key: "auc_roc", Unit: Ratio, Good: Higher, Tasks: both,
			Title: Text{"ROC AUC", "ROC 曲线下面积"},
			Help: Text{"Probability that a positive has a higher score than a negative; ties count half. For several classes, the mean over classes of each against the rest.",
				"正样本得分高于负样本的概率，得分相同计一半；多分类时为各类别“一对其余”的平均值。"},
		},
		{
			Key: "specificity", Unit: Ratio, Good: Higher, Tasks: binary,
			Title: Text{"Specificity", "特异度"},
			Help:  Text{"Share of true negatives that the model left alone.", "真实为负的样本中被正确判为负的比例。"},
		},
		{
			Key: "balanced_accuracy", Unit: Ratio, Good: Higher, Tasks: both,
			Title: Text{"Balanced accuracy", "平衡准确率"},
			Help:  Text{"Mean of the recall of every class that occurred.", "各出现类别召回率的平均值。"},
		},
		{
			Key: "mcc", Unit: Number, Good: Higher, Tasks: both,
			Title: Text{"Matthews correlation", "马修斯相关系数"},
			Help: Text{"Correlation between predicted and true class, from -1 to 1; 0 is chance.",
				"预测类别与真实类别的相关性，取值 -1 到 1，0 表示随机。"},
		},
		{
			Key: "log_loss", Unit: Number, Good: Lower, Tasks: both,
			Title: Text{"Log loss", "对数损失"},
			Help: Text{"Mean negative logarithm of the probability given to what happened; probabilities are clipped at 2.22e-16.",
				"对真实结果所给概率的负对数均值；概率在 2.22e-16 处截断。"},
		},
		{
			Key: "brier_score", Unit: Number, Good: Lower, Tasks: binary,
			Title: Text{"Brier score", "布里尔分数"},
			Help:  Text{"Mean squared difference between score and outcome.", "得分与结果之差的平方均值。"},
		},
		{
			Key: "average_precision", Unit: Ratio, Good: Higher, Tasks: binary,
			Title: Text{"Average precision", "平均精确率"},
			Help: Text{"Precision averaged over recall, without interpolation, by descending score.",
				"按得分降序，以召回率增量加权的精确率（不插值）。"},
		},
	}
}

// valueRows are the metrics of models that predict a number.
func valueRows() []Metric {
	regression := []event.Task{event.Regression}
	return []Metric{
		{
			Key: "mae", Unit: Target, Good: Lower, Tasks: regression,
			Title: Text{"Mean absolute error", "平均绝对误差"},
			Help:  Text{"Mean distance between prediction and truth.", "预测值与真实值之差的绝对值均值。"},
		},
		{
			Key: "me", Unit: Target, Good: None, Tasks: regression,
			Title: Text{"Mean error", "平均误差"},
			Help: Text{"Mean of prediction minus truth; above zero the model predicts too much.",
				"预测值减真实值的均值；大于零表示预测偏高。"},
		},
		{
			Key: "mse", Unit: Number, Good: Lower, Tasks: regression,
			Title: Text{"Mean squared error", "均方误差"},
			Help:  Text{"Mean squared distance between prediction and truth.", "预测值与真实值之差的平方均值。"},
		},
		{
			Key: "rmse", Unit: Target, Good: Lower, Tasks: regression,
			Title: Text{"Root mean squared error", "均方根误差"},
			Help:  Text{"Square root of the mean squared error.", "均方误差的平方根。"},
		},
		{
			Key: "r2", Unit: Number, Good: Higher, Tasks: regression,
			Title: Text{"R²", "决定系数 R²"},
			Help: Text{"Share of the truth's variance that the predictions explain; below zero they are worse than its mean.",
				"预测所解释的真实值方差比例；小于零表示不如直接用均值。"},
		},
		{
			Key: "mape", Unit: Percent, Good: Lower, Tasks: regression,
			Title: Text{"Mean absolute percentage error", "平均绝对百分比误差"},
			Help: Text{"Mean of |prediction - truth| / |truth| over rows whose truth is not zero.",
				"|预测值 - 真实值| / |真实值| 的均值，只计真实值不为零的行。"},
		},
	}
}
