package catalogue

import "github.com/leewayhq/leeway/internal/event"

// rankingRows are the metrics of models that put items in order, over the first
// ten places.
func rankingRows() []Metric {
	rows := []Metric{
		{
			Key:   "ndcg_at_10",
			Title: Text{"NDCG at 10", "NDCG@10"},
			Help: Text{"Gain of the first ten places, discounted by log2(1 + place), over that of the best order; mean over queries with a relevant item.",
				"前十位的增益按 log2(1 + 位次) 折扣后与最佳排序之比；对有相关项的查询取平均。"},
		},
		{
			Key:   "map_at_10",
			Title: Text{"MAP at 10", "MAP@10"},
			Help: Text{"Mean average precision of the first ten places; that of a query is over min(10, its relevant items).",
				"前十位平均精确率的均值；每个查询以 min(10, 相关项数) 为分母。"},
		},
		{
			Key:   "mrr",
			Title: Text{"Mean reciprocal rank", "平均倒数排名"},
			Help: Text{"Mean of 1 over the place of the first relevant item, 0 where none is among the first 100 places.",
				"首个相关项位次倒数的均值；前一百位中没有相关项时计 0。"},
		},
		{
			Key:   "hit_rate_at_10",
			Title: Text{"Hit rate at 10", "命中率@10"},
			Help:  Text{"Share of queries with a relevant item in the first ten places.", "前十位中有相关项的查询比例。"},
		},
		{
			Key:   "precision_at_10",
			Title: Text{"Precision at 10", "精确率@10"},
			Help:  Text{"Share of the first ten places that hold a relevant item; mean over queries.", "前十位中相关项所占比例，对查询取平均。"},
		},
		{
			Key:   "recall_at_10",
			Title: Text{"Recall at 10", "召回率@10"},
			Help:  Text{"Share of the relevant items that stand in the first ten places; mean over queries.", "相关项中排在前十位的比例，对查询取平均。"},
		},
	}
	for i := range rows {
		rows[i].Unit, rows[i].Good, rows[i].Tasks = Ratio, Higher, []event.Task{event.Ranking}
	}
	return rows
}
