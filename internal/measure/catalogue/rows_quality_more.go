package catalogue

import "github.com/leewayhq/leeway/internal/event"

// scoreRows are the metrics of the scores of binary models beside the first ones.
func scoreRows() []Metric {
	binary := []event.Task{event.Binary}
	return []Metric{
		{
			Key: "calibration_error", Unit: Ratio, Good: Lower, Tasks: binary,
			Title: Text{"Expected calibration error", "期望校准误差"},
			Help: Text{"Mean distance between score and share of positives over ten score ranges of equal width, weighted by their rows.",
				"将得分等宽分为十段，各段平均得分与实际正例比例之差的绝对值，按行数加权平均。"},
		},
		{
			Key: "score_ks", Unit: Ratio, Good: Higher, Tasks: binary,
			Title: Text{"KS of the score", "得分 KS 值"},
			Help: Text{"Greatest distance between the score distributions of positives and negatives.",
				"正负样本得分分布之间的最大差距。"},
		},
		{
			Key: "lift_top_decile", Unit: Number, Good: Higher, Tasks: binary,
			Title: Text{"Lift of the top decile", "前十分位提升度"},
			Help: Text{"How many times more often positives are among the tenth of rows with the highest scores than among all.",
				"得分最高的十分之一中正例比例相对总体的倍数。"},
		},
		{
			Key: "f_beta", Unit: Ratio, Good: Higher, Tasks: binary, NoSeries: true,
			Title: Text{"F-beta", "F-beta 值"},
			Help: Text{"F in which recall weighs beta times as much as precision; asked for by the parameter beta.",
				"召回率权重为精确率 beta 倍的 F 值；由参数 beta 请求。"},
		},
	}
}

// averageRows are other averages over several classes.
func averageRows() []Metric {
	several := []event.Task{event.Multiclass}
	return []Metric{
		{
			Key: "precision_weighted", Unit: Ratio, Good: Higher, Tasks: several,
			Title: Text{"Weighted precision", "加权精确率"},
			Help: Text{"Mean precision of the classes that were predicted, weighted by how often they occurred.",
				"各被预测类别精确率按其出现次数加权的平均值。"},
		},
		{
			Key: "f1_weighted", Unit: Ratio, Good: Higher, Tasks: several,
			Title: Text{"Weighted F1", "加权 F1 值"},
			Help:  Text{"Mean F1 of the classes, weighted by how often they occurred.", "各类别 F1 值按其出现次数加权的平均值。"},
		},
		{
			Key: "recall_weighted", Unit: Ratio, Good: Higher, Tasks: several, NoSeries: true,
			Title: Text{"Weighted recall", "加权召回率"},
			Help:  Text{"Mean recall of the classes, weighted by how often they occurred, which is the accuracy.", "各类别召回率按其出现次数加权的平均值，等于准确率。"},
		},
		{
			Key: "precision_micro", Unit: Ratio, Good: Higher, Tasks: several, NoSeries: true,
			Title: Text{"Micro precision", "微平均精确率"},
			Help:  Text{"Precision over all rows of all classes, which is the accuracy.", "所有类别合并计算的精确率，等于准确率。"},
		},
		{
			Key: "recall_micro", Unit: Ratio, Good: Higher, Tasks: several, NoSeries: true,
			Title: Text{"Micro recall", "微平均召回率"},
			Help:  Text{"Recall over all rows of all classes, which is the accuracy.", "所有类别合并计算的召回率，等于准确率。"},
		},
		{
			Key: "f1_micro", Unit: Ratio, Good: Higher, Tasks: several, NoSeries: true,
			Title: Text{"Micro F1", "微平均 F1 值"},
			Help:  Text{"F1 over all rows of all classes, which is the accuracy.", "所有类别合并计算的 F1 值，等于准确率。"},
		},
	}
}

// errorRows are the metrics of predicted numbers beside the first ones.
func errorRows() []Metric {
	regression := []event.Task{event.Regression}
	rows := []Metric{
		{
			Key: "rmsle", Unit: Number, Good: Lower,
			Title: Text{"Root mean squared logarithmic error", "均方根对数误差"},
			Help: Text{"Root of the mean squared difference of log(1 + prediction) and log(1 + truth) over rows where both are above -1.",
				"log(1 + 预测值) 与 log(1 + 真实值) 之差平方均值的平方根，只计两者均大于 -1 的行。"},
		},
		{
			Key: "smape", Unit: Percent, Good: Lower,
			Title: Text{"Symmetric percentage error", "对称平均绝对百分比误差"},
			Help: Text{"Mean of 2 |prediction - truth| / (|prediction| + |truth|), 0 where both are zero; at most 200 %.",
				"2 |预测值 - 真实值| / (|预测值| + |真实值|) 的均值，两者均为零时计 0；最大 200 %。"},
		},
		{
			Key: "wape", Unit: Percent, Good: Lower,
			Title: Text{"Weighted percentage error", "加权绝对百分比误差"},
			Help:  Text{"Sum of |prediction - truth| over the sum of |truth|.", "|预测值 - 真实值| 之和与 |真实值| 之和的比值。"},
		},
		{
			Key: "max_error", Unit: Target, Good: Lower,
			Title: Text{"Greatest error", "最大误差"},
			Help:  Text{"Greatest distance between prediction and truth.", "预测值与真实值之差的最大绝对值。"},
		},
		{
			Key: "residual_p05", Unit: Target, Good: None,
			Title: Text{"Error, 5th percentile", "误差 5 百分位"},
			Help:  Text{"Prediction minus truth below which a twentieth of the rows lies.", "预测值减真实值的 5 百分位。"},
		},
		{
			Key: "residual_p50", Unit: Target, Good: None,
			Title: Text{"Median error", "误差中位数"},
			Help:  Text{"Prediction minus truth below which half of the rows lies.", "预测值减真实值的中位数。"},
		},
		{
			Key: "residual_p95", Unit: Target, Good: None,
			Title: Text{"Error, 95th percentile", "误差 95 百分位"},
			Help:  Text{"Prediction minus truth above which a twentieth of the rows lies.", "预测值减真实值的 95 百分位。"},
		},
	}
	for i := range rows {
		rows[i].Tasks = regression
	}
	return rows
}
