package catalogue

import "time"

// machineRows are the metrics of a machine for which somebody may want a rule.
// They are off by default: what is much for one machine is a quiet day for
// another. docs/operate/host.md lists the series that have no row.
func machineRows() []Metric {
	return []Metric{
		{
			Key: "load_per_cpu", Unit: Number, Good: Lower, For: 5 * time.Minute, Warning: limit(1.5), Critical: limit(3),
			Title: Text{"Load per CPU", "每核负载"},
			Help:  Text{"Mean number of tasks that ran or waited over five minutes, for each core.", "每个核心五分钟内运行或等待的平均任务数。"},
		},
		{
			Key: "swap_usage", Unit: Percent, Good: Lower, For: 5 * time.Minute, Warning: limit(0.5), Critical: limit(0.9),
			Title: Text{"Swap usage", "交换空间使用率"},
			Help:  Text{"Share of the swap space that is in use.", "交换空间的占用比例。"},
		},
		{
			Key: "filesystem_usage", By: "mountpoint", Unit: Percent, Good: Lower, Warning: limit(0.80), Critical: limit(0.95),
			Title: Text{"File system usage", "文件系统使用率"},
			Help:  Text{"Share of a local file system that is in use, as df counts it.", "本地文件系统的占用比例，与 df 的算法一致。"},
		},
		{
			Key: "filesystem_inode_usage", By: "mountpoint", Unit: Percent, Good: Lower, Warning: limit(0.80), Critical: limit(0.95),
			Title: Text{"Inode usage", "inode 使用率"},
			Help:  Text{"Share of a file system's inodes that are in use: with none left no file can be made.", "文件系统 inode 的占用比例；用尽后无法再创建文件。"},
		},
		{
			Key: "disk_busy", By: "device", Unit: Percent, Good: Lower, For: 5 * time.Minute, Warning: limit(0.9),
			Title: Text{"Disk busy", "磁盘繁忙度"},
			Help:  Text{"Share of time in which a disk had something to do.", "磁盘处于工作状态的时间比例。"},
		},
		{
			Key: "interface_errors", By: "interface", Unit: PerSecond, Good: Lower, For: 5 * time.Minute, Warning: limit(1),
			Title: Text{"Network errors", "网络错误"},
			Help:  Text{"Packets a second that an interface received or sent with an error.", "网络接口每秒收发出错的数据包数。"},
		},
		{
			Key: "files_usage", Unit: Percent, Good: Lower, Warning: limit(0.8), Critical: limit(0.95),
			Title: Text{"Open files", "打开文件数占比"},
			Help:  Text{"Share of the files that the whole machine may have open.", "整机已打开文件数占上限的比例。"},
		},
		{
			Key: "cpu_pressure", Unit: Percent, Good: Lower, For: 5 * time.Minute, Warning: limit(0.3), Critical: limit(0.6),
			Title: Text{"CPU pressure", "CPU 压力"},
			Help:  Text{"Share of time in which some task waited for a processor (PSI).", "有任务等待处理器的时间比例（PSI）。"},
		},
		{
			Key: "memory_pressure", Unit: Percent, Good: Lower, For: time.Minute, Warning: limit(0.1), Critical: limit(0.3),
			Title: Text{"Memory pressure", "内存压力"},
			Help:  Text{"Share of time in which some task waited for memory (PSI).", "有任务等待内存的时间比例（PSI）。"},
		},
		{
			Key: "io_pressure", Unit: Percent, Good: Lower, For: 5 * time.Minute, Warning: limit(0.3), Critical: limit(0.6),
			Title: Text{"I/O pressure", "I/O 压力"},
			Help:  Text{"Share of time in which some task waited for input or output (PSI).", "有任务等待输入输出的时间比例（PSI）。"},
		},
		{
			Key: "temperature", By: "sensor", Unit: Number, Good: Lower, For: time.Minute, Warning: limit(85), Critical: limit(95),
			Title: Text{"Temperature", "温度"},
			Help:  Text{"Degrees Celsius of a sensor of the machine.", "机器某个传感器的摄氏温度。"},
		},
		{
			Key: "container_cpu", By: "container", Unit: Number, Good: None,
			Title: Text{"Container CPU", "容器 CPU"},
			Help:  Text{"Processors in use by a container or system service.", "容器或系统服务正在占用的处理器数。"},
		},
		{
			Key: "container_cpu_throttled", By: "container", Unit: Percent, Good: Lower, For: 5 * time.Minute, Warning: limit(0.25), Critical: limit(0.5),
			Title: Text{"Container throttled", "容器 CPU 限流"},
			Help:  Text{"Share of periods in which a container had used up its processor time.", "容器用尽处理器配额的周期比例。"},
		},
		{
			Key: "container_memory_usage", By: "container", Unit: Percent, Good: Lower, For: time.Minute, Warning: limit(0.85), Critical: limit(0.95),
			Title: Text{"Container memory", "容器内存使用率"},
			Help:  Text{"Share of its memory limit that a container needs; one without a limit has none.", "容器所需内存占其上限的比例；未设上限的容器没有此值。"},
		},
		{
			Key: "process_count", By: "process", Unit: Count, Good: Higher, For: time.Minute, Critical: limit(1),
			Title: Text{"Processes", "进程数"},
			Help:  Text{"Running processes of a name of the configuration.", "配置中某一名称下正在运行的进程数。"},
		},
		{
			Key: "process_cpu", By: "process", Unit: Number, Good: None,
			Title: Text{"Process CPU", "进程 CPU"},
			Help:  Text{"Processors in use by the processes of a name of the configuration.", "配置中某一名称下的进程占用的处理器数。"},
		},
		{
			Key: "process_restarts", By: "process", Unit: Count, Good: Lower,
			Title: Text{"Process restarts", "进程重启"},
			Help:  Text{"Processes of a name that began in the place of ones that ended, since measuring began.", "自开始采集以来，某一名称下替代已结束进程的新进程数。"},
		},
	}
}

// gpuRows are the metrics of a graphics processor. Broken memory, a card that
// fell off the bus and one that is about to be slowed down are no matter of
// taste: their rules are on.
func gpuRows() []Metric {
	return []Metric{
		{
			Key: "gpu_up", By: "gpu", Unit: Count, Good: Higher, Operator: LT, For: time.Minute, Critical: limit(1), EnabledByDefault: true,
			Title: Text{"GPU reachable", "GPU 可用"},
			Help:  Text{"1 while the driver can read the card, 0 when it has lost it.", "驱动能够读取该卡时为 1，失去该卡时为 0。"},
		},
		{
			Key: "gpu_utilisation", By: "gpu", Unit: Percent, Good: None,
			Title: Text{"GPU utilisation", "GPU 利用率"},
			Help:  Text{"Share of time in which the card worked.", "显卡处于工作状态的时间比例。"},
		},
		{
			Key: "gpu_memory_usage", By: "gpu", Unit: Percent, Good: Lower, For: time.Minute, Warning: limit(0.90), Critical: limit(0.98),
			Title: Text{"GPU memory usage", "GPU 显存使用率"},
			Help:  Text{"Share of the card's memory that is in use.", "显存的占用比例。"},
		},
		{
			Key: "gpu_temperature", By: "gpu", Unit: Number, Good: Lower, For: time.Minute, Warning: limit(83), Critical: limit(90), EnabledByDefault: true,
			Title: Text{"GPU temperature", "GPU 温度"},
			Help:  Text{"Degrees Celsius of the card.", "显卡的摄氏温度。"},
		},
		{
			Key: "gpu_power_usage", By: "gpu", Unit: Percent, Good: None,
			Title: Text{"GPU power", "GPU 功耗占比"},
			Help:  Text{"Power that the card draws, as a share of its limit.", "显卡功耗占其上限的比例。"},
		},
		{
			Key: "gpu_ecc_uncorrected", By: "gpu", Unit: Count, Good: Lower, Critical: limit(0), EnabledByDefault: true,
			Title: Text{"GPU memory errors", "GPU 显存错误"},
			Help:  Text{"Errors of the card's memory that could not be corrected, since the driver was loaded.", "自驱动加载以来无法纠正的显存错误数。"},
		},
		{
			Key: "gpu_throttled", By: "reason", Unit: Count, Good: Lower, For: 5 * time.Minute, Warning: limit(0),
			Title: Text{"GPU throttled", "GPU 降频"},
			Help:  Text{"1 while the reason slows the card down: power_cap, thermal, power_brake, hardware, reliability.", "某一原因正在使显卡降频时为 1：power_cap、thermal、power_brake、hardware、reliability。"},
		},
	}
}
