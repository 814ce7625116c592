package catalogue

import "time"

// serviceRows are the metrics of a model's service. Throughput is off until a
// model opts in: a model may rightly be asked little.
func serviceRows() []Metric {
	rows := []Metric{
		{
			Key: "response_time", Unit: Millis, Good: Lower,
			Warning: limit(150), Critical: limit(300), EnabledByDefault: true,
			Title: Text{"Response time", "响应时间"},
			Help:  Text{"95th percentile of the time that one prediction took.", "单次预测耗时的 95 百分位。"},
		},
		{
			Key: "throughput", Unit: PerSecond, Good: Higher,
			Warning: limit(800), Critical: limit(500), For: time.Minute,
			Title: Text{"Throughput", "吞吐量"},
			Help:  Text{"Predictions a second.", "每秒预测次数。"},
		},
		{
			Key: "error_rate", Unit: Percent, Good: Lower,
			Warning: limit(0.02), Critical: limit(0.05), MinSamples: 30, EnabledByDefault: true,
			Title: Text{"Error rate", "错误率"},
			Help:  Text{"Share of predictions that failed.", "失败的预测所占比例。"},
		},
		{
			Key: "label_coverage", Unit: Percent, Good: Higher,
			Warning: limit(0.8), Critical: limit(0.5),
			Title: Text{"Label coverage", "标签覆盖率"},
			Help: Text{"Share of the predictions of a window whose label has come; of the series, of the last hour. For labels that come fast.",
				"某一时间窗内的预测中已收到标签的比例；时间序列取最近一小时。适用于标签到达较快的场景。"},
		},
	}
	for i := range rows {
		rows[i].Group = Service
	}
	return rows
}

// hostRows are the metrics of the machine under the model. Processor and
// memory must stay high for a minute: a compiler or a backup is no incident.
func hostRows() []Metric {
	rows := []Metric{
		{
			Key: "cpu_usage", Unit: Percent, Good: Lower, For: time.Minute,
			Warning: limit(0.70), Critical: limit(0.85), EnabledByDefault: true,
			Title: Text{"CPU usage", "CPU 使用率"},
			Help:  Text{"Share of processor time in use over all cores.", "所有核心上处理器时间的占用比例。"},
		},
		{
			Key: "memory_usage", Unit: Percent, Good: Lower, For: time.Minute,
			Warning: limit(0.75), Critical: limit(0.90), EnabledByDefault: true,
			Title: Text{"Memory usage", "内存使用率"},
			Help:  Text{"Share of memory that is not available to programs.", "程序无法再使用的内存比例。"},
		},
		{
			Key: "disk_usage", Unit: Percent, Good: Lower,
			Warning: limit(0.80), Critical: limit(0.95), EnabledByDefault: true,
			Title: Text{"Disk usage", "磁盘使用率"},
			Help:  Text{"Share of the data disk that is in use.", "数据磁盘的占用比例。"},
		},
		{
			Key: "network_in", Unit: BytesPerSecond, Good: None,
			Title: Text{"Network in", "网络流入"},
			Help:  Text{"Bytes received a second, over all interfaces but loopback.", "每秒接收字节数，不含回环接口。"},
		},
		{
			Key: "network_out", Unit: BytesPerSecond, Good: None,
			Title: Text{"Network out", "网络流出"},
			Help:  Text{"Bytes sent a second, over all interfaces but loopback.", "每秒发送字节数，不含回环接口。"},
		},
	}
	rows = append(rows, machineRows()...)
	rows = append(rows, gpuRows()...)
	for i := range rows {
		rows[i].Group = Host
	}
	return rows
}
