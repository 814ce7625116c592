package catalogue

import "time"

// probeRows are the metrics of probes, whose series are named as those of
// blackbox_exporter where it has one. Rules count rounds, not time: two
// failures in a row are a failure, whatever the interval of the probe.
func probeRows() []Metric {
	day := 24 * time.Hour.Seconds()
	rows := []Metric{
		{
			Key: "probe_success", Unit: Number, Good: Higher,
			Title: Text{"Probe success", "探测成功"},
			Help:  Text{"1 when the last check found its target available, else 0.", "最近一次探测目标可用为 1，否则为 0。"},
		},
		{
			Key: "probe_failures", Unit: Count, Good: Lower, Operator: GTE, Critical: limit(2), EnabledByDefault: true,
			Title: Text{"Failed probes in a row", "连续探测失败次数"},
			Help:  Text{"How many checks failed one after the other, up to the last one.", "截至最近一次探测，连续失败的次数。"},
		},
		{
			Key: "probe_correct", Unit: Number, Good: Higher,
			Title: Text{"Probe answer correct", "探测答案正确"},
			Help: Text{"1 when the model's answer to the golden input was the expected one, 0 when it was another; none when no answer came.",
				"模型对标准输入的回答符合预期为 1，不符合为 0；没有收到回答则没有值。"},
		},
		{
			Key: "probe_wrong_answers", Unit: Count, Good: Lower, Operator: GTE, Critical: limit(2), EnabledByDefault: true,
			Title: Text{"Wrong answers in a row", "连续错误答案次数"},
			Help:  Text{"How many answers to the golden input were wrong one after the other.", "对标准输入连续给出错误答案的次数。"},
		},
		{
			Key: "probe_duration_seconds", Unit: Seconds, Good: Lower,
			Title: Text{"Probe duration", "探测耗时"},
			Help:  Text{"Time that the last check took.", "最近一次探测所用的时间。"},
		},
		{
			Key: "probe_phase_duration_seconds", Unit: Seconds, Good: Lower, By: "phase",
			Title: Text{"Probe duration by phase", "探测各阶段耗时"},
			Help: Text{"Time of the last check by phase: resolve, connect, tls, processing (until the first byte of the answer), transfer.",
				"最近一次探测各阶段的时间：解析、连接、TLS 握手、处理（到回答的首字节）、传输。"},
		},
		{
			Key: "probe_tls_expiry_seconds", Unit: Seconds, Good: Higher,
			Warning: limit(14 * day), Critical: limit(3 * day), EnabledByDefault: true,
			Title: Text{"Certificate time left", "证书剩余有效期"},
			Help:  Text{"Time until the first certificate of the target's chain ends, as last seen.", "目标证书链中最早到期的证书的剩余时间，以最近一次见到的证书为准。"},
		},
	}
	for i := range rows {
		rows[i].Group = Probe
	}
	return rows
}
