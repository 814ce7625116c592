import type { Alert, ModelRow, Notification, Overview, Rule, State, Tile, Values } from "../src/api/types";

// Made-up answers of the API for development and tests, the same on every run.
// Never part of the built dashboard.

const HOUR = 3_600_000;

/** A small repeatable generator (mulberry32). */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Shape {
  base: number;
  noise: number;
  wave?: number;
  /** Change that sets in at this share of the range. */
  fall?: number;
  at?: number;
}

function wander(n: number, seed: number, s: Shape): number[] {
  const r = random(seed);
  let drift = 0;
  const out: number[] = [];
  for (let i = 0; i < n; i++) {
    drift = drift * 0.9 + (r() - 0.5) * s.noise;
    const wave = (s.wave ?? 0) * Math.sin((i / n) * Math.PI * 2 - 1);
    const p = (i / n - (s.at ?? 2)) / 0.07;
    const fall = p > 0 ? (s.fall ?? 0) * Math.min(1, p) : 0;
    out.push(s.base + drift + wave + fall);
  }
  return out;
}

const pick = (v: number[], n: number): number[] =>
  Array.from({ length: n }, (_, i) => v[Math.floor((i / n) * v.length)]!);
const bump = (v: number[], at: number, by: number): number[] =>
  v.map((x, i) => x + by * Math.exp(-(((i / v.length - at) / 0.03) ** 2)));
const last = (v: Values): number => v[v.length - 1] ?? 0;

const QUALITY: {
  key: string;
  en: string;
  zh: string;
  shape: Shape;
  prev: number;
  state: State;
  w: number;
  c: number;
  half: number;
}[] = [
  {
    key: "f1_score",
    en: "F1 score",
    zh: "F1 值",
    shape: { base: 0.925, noise: 0.007, fall: -0.052, at: 0.81 },
    prev: 0.059,
    state: "critical",
    w: 0.91,
    c: 0.88,
    half: 0.009,
  },
  {
    key: "recall",
    en: "Recall",
    zh: "召回率",
    shape: { base: 0.912, noise: 0.012, fall: -0.078, at: 0.81 },
    prev: 0.082,
    state: "critical",
    w: 0.88,
    c: 0.85,
    half: 0.012,
  },
  {
    key: "precision",
    en: "Precision",
    zh: "精确率",
    shape: { base: 0.94, noise: 0.008, fall: -0.02, at: 0.8 },
    prev: 0.033,
    state: "ok",
    w: 0.88,
    c: 0.85,
    half: 0.008,
  },
  {
    key: "accuracy",
    en: "Accuracy",
    zh: "准确率",
    shape: { base: 0.949, noise: 0.005, fall: -0.022, at: 0.6 },
    prev: 0.022,
    state: "warning",
    w: 0.93,
    c: 0.9,
    half: 0.004,
  },
  {
    key: "auc_roc",
    en: "ROC AUC",
    zh: "ROC AUC",
    shape: { base: 0.983, noise: 0.004, fall: -0.012, at: 0.7 },
    prev: 0.014,
    state: "ok",
    w: 0.96,
    c: 0.94,
    half: 0.003,
  },
];

interface Ask {
  now: number;
  from: number;
  to: number;
  compare: string;
  model: string;
}

export function overview({ now, from, to, compare, model }: Ask): Overview {
  const n = 289;
  const step = (to - from) / (n - 1);
  const time = Array.from({ length: n }, (_, i) => Math.round(from + i * step));
  const cmp = compare !== "off";
  const lines = QUALITY.map((q, i) => wander(n, 11 + i, q.shape));
  const olds = QUALITY.map((q, i) => wander(n, 31 + i, { ...q.shape, fall: 0 }));
  const quality: Tile[] = QUALITY.map((q, i) => ({
    key: q.key,
    title: { en: q.en, zh: q.zh },
    unit: "ratio",
    value: last(lines[i]!),
    state: q.state,
    reason: null,
    change: cmp ? -q.prev : null,
    low: last(lines[i]!) - q.half,
    high: last(lines[i]!) + q.half,
    n: 12408,
    spark: pick(lines[i]!, 96),
    spark_compare: cmp ? pick(olds[i]!, 96) : null,
    limits: { operator: "lt", warning: q.w, critical: q.c },
  }));
  const p95 = bump(wander(n, 51, { base: 84, noise: 12, wave: 16 }), 0.55, 60);
  const p50 = wander(n, 52, { base: 16, noise: 2 });
  const p99 = bump(wander(n, 53, { base: 142, noise: 22, wave: 18 }), 0.55, 150);
  const thr = wander(n, 54, { base: 1050, noise: 60, wave: 540 });
  const err = bump(wander(n, 55, { base: 0.0016, noise: 0.0004 }), 0.55, 0.009).map((v) =>
    Math.max(0.0003, v),
  );
  const cpu = wander(n, 56, { base: 0.5, noise: 0.1, wave: 0.2 }).map((v) =>
    Math.min(0.95, Math.max(0.1, v)),
  );
  const mem = wander(n, 57, { base: 0.68, noise: 0.02 });
  const disk = wander(n, 58, { base: 0.58, noise: 0.005 });
  const rx = wander(n, 59, { base: 37e6, noise: 3e6, wave: 20e6 });
  const tx = wander(n, 60, { base: 15e6, noise: 2e6, wave: 7e6 });
  const vital = (
    key: string,
    en: string,
    zh: string,
    unit: Tile["unit"],
    v: number[],
    change: number | null = null,
  ): Tile => ({
    key,
    title: { en, zh },
    unit,
    value: last(v),
    state: "ok",
    reason: null,
    change,
    low: null,
    high: null,
    n: null,
    spark: pick(v, 64),
    spark_compare:
      key === "response_time" && cmp
        ? pick(
            olds[0]!.map((x) => x * 90),
            64,
          )
        : null,
    limits: null,
  });
  const at = (share: number) => Math.round(from + (to - from) * share);
  const cols = 24;
  const names = [
    "txn_amount",
    "ip_country",
    "velocity_1h",
    "email_domain",
    "card_bin",
    "hour_of_day",
    "geo_distance",
    "merchant_mcc",
    "device_age_d",
    "session_len_s",
  ];
  const drift = names.map((name, i) => {
    const r = random(80 + i);
    const values: Values = Array.from({ length: cols }, (_, k) => {
      if (i === 0) return k < 18 ? 0.02 + r() * 0.03 : 0.08 + (k - 18) * 0.055 + r() * 0.01;
      if (i === 1) return k < 20 ? 0.02 + r() * 0.02 : 0.1 + (k - 20) * 0.05;
      if (i === 2 && k > 11 && k < 15) return 0.15;
      return 0.01 + r() * (i === 4 ? 0.09 : 0.05);
    });
    const v = last(values);
    return {
      name,
      kind: i === 1 || i === 3 ? "categorical" : "numeric",
      values,
      last: v,
      state: (v >= 0.3 ? "critical" : v >= 0.2 ? "warning" : "ok") as State,
    };
  });
  drift.sort((a, b) => b.last - a.last);
  const hours = Array.from({ length: 24 }, (_, i) => at(i / 24));
  const now_alerts = alerts(now);
  return {
    now,
    from,
    to,
    step_ms: Math.round(step),
    first_run: false,
    model: { name: model, version: "v14.2", task: "binary", state: "critical" },
    banner: {
      state: "critical",
      critical: 2,
      warning: 1,
      since: at(0.81),
      checks: 31,
      labels_until: at(0.88),
      explain: [
        {
          code: "metric_fell",
          params: {
            metric: "f1_score",
            title: { en: "F1 score", zh: "F1 值" },
            change: -0.059,
            unit: "ratio",
          },
        },
        { code: "deployment", params: { version: "v14.2", at: at(0.79) } },
        { code: "features_drifted", params: { drifted: 2, total: 38 } },
      ],
    },
    quality,
    vitals: [
      vital("response_time", "Response time p95", "响应时间 p95", "ms", p95, cmp ? -24 : null),
      vital("throughput", "Throughput", "吞吐量", "per_second", thr),
      vital("error_rate", "Error rate", "错误率", "percent", err),
      vital("cpu_usage", "CPU", "CPU", "percent", cpu),
      vital("memory_usage", "Memory", "内存", "percent", mem),
      vital("disk_usage", "Disk", "磁盘", "percent", disk),
      vital("network_in", "Network", "网络", "bytes_per_second", rx),
    ],
    chart: {
      time,
      series: [0, 2, 1].map((i) => ({
        key: QUALITY[i]!.key,
        title: { en: QUALITY[i]!.en, zh: QUALITY[i]!.zh },
        unit: "ratio",
        values: lines[i]!,
        low: null,
        high: null,
        compare: cmp && i === 0 ? olds[0]! : null,
      })),
      limits: [
        { metric: "f1_score", level: "warning", value: 0.91, operator: "lt" },
        { metric: "f1_score", level: "critical", value: 0.88, operator: "lt" },
      ],
      pending_from: at(0.875),
      events: [
        { kind: "silence", from: at(0.125), to: at(0.205), label: "Slow responses", severity: null },
        { kind: "alert", from: at(0.46), to: at(0.51), label: "Slow responses", severity: "warning" },
        { kind: "deployment", from: at(0.79), to: null, label: "v14.2", severity: null },
        { kind: "alert", from: at(0.84), to: null, label: "F1 below limit", severity: "critical" },
        { kind: "alert", from: at(0.9), to: null, label: "Feature drift: txn_amount", severity: "critical" },
      ],
    },
    alerts: {
      items: now_alerts.filter((a) => a.state === "firing" || a.state === "silenced"),
      per_hour: hours.map((t, i) => ({
        time: t,
        warning: [1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 2, 3, 1, 0, 0, 1, 0, 0, 0, 2, 2, 3, 3][i]!,
        critical: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 4][i]!,
      })),
      started: 37,
    },
    drift: {
      method: "psi",
      time: hours,
      features: drift,
      warning: 0.2,
      critical: 0.3,
      drifted: 2,
      total: 38,
    },
    data_quality: [
      ["device_age_d", 0.078, "warning", 0.012, "ok"],
      ["txn_amount", 0.002, "ok", 0.046, "warning"],
      ["email_domain", 0.034, "ok", 0.003, "ok"],
      ["velocity_1h", 0.006, "ok", 0.027, "ok"],
      ["session_len_s", 0.011, "ok", 0.019, "ok"],
      ["geo_distance", 0.009, "ok", 0.014, "ok"],
      ["merchant_mcc", 0.004, "ok", 0.002, "ok"],
      ["ip_country", 0.001, "ok", 0.004, "ok"],
    ].map(([feature, missing, ms, outliers, os]) => ({
      feature: String(feature),
      missing: Number(missing),
      missing_state: ms as State,
      outliers: Number(outliers),
      outliers_state: os as State,
    })),
    data_quality_limits: {
      missing: { warning: 0.05, critical: 0.1 },
      outliers: { warning: 0.04, critical: 0.06 },
    },
    system: {
      time,
      charts: [
        {
          key: "response_time",
          series: [
            {
              key: "p95",
              title: "p95",
              unit: "ms",
              values: p95,
              compare: cmp ? p95.map((v) => v * 0.9 + 9) : null,
            },
            { key: "p50", title: "p50", unit: "ms", values: p50 },
            { key: "p99", title: "p99", unit: "ms", values: p99 },
          ],
        },
        {
          key: "throughput",
          series: [
            {
              key: "throughput",
              title: { en: "Throughput", zh: "吞吐量" },
              unit: "per_second",
              values: thr,
              axis: "left",
              compare: cmp ? thr.map((v) => v * 0.96) : null,
            },
            {
              key: "error_rate",
              title: { en: "Error rate", zh: "错误率" },
              unit: "percent",
              values: err,
              axis: "right",
            },
          ],
        },
        {
          key: "compute",
          series: [
            { key: "cpu_usage", title: "CPU", unit: "percent", values: cpu },
            { key: "memory_usage", title: { en: "Memory", zh: "内存" }, unit: "percent", values: mem },
            { key: "disk_usage", title: { en: "Disk", zh: "磁盘" }, unit: "percent", values: disk },
          ],
        },
        {
          key: "network",
          series: [
            { key: "network_in", title: "RX", unit: "bytes_per_second", values: rx },
            { key: "network_out", title: "TX", unit: "bytes_per_second", values: tx },
          ],
        },
      ],
    },
    models: models(),
  };
}

const strip = (spec: string): State[] =>
  [...spec].map((c) => ({ o: "ok", w: "warning", c: "critical", n: "no_data" })[c] as State);

export function models(): ModelRow[] {
  const f1 = { metric: "f1_score", title: { en: "F1", zh: "F1" }, unit: "ratio" };
  const row = (
    name: string,
    version: string,
    task: string,
    state: State,
    s: string,
    headline: ModelRow["headline"],
    rest: Partial<ModelRow>,
  ): ModelRow => ({
    name,
    version,
    task,
    state,
    strip: strip(s),
    headline,
    change: null,
    p95_ms: null,
    error_rate: null,
    drifted: null,
    features: null,
    label_delay_ms: null,
    ...rest,
  });
  const ok = (k: number) => "o".repeat(k);
  return [
    row(
      "fraud-scorer",
      "v14.2",
      "binary",
      "critical",
      `${ok(38)}ww${"c".repeat(8)}`,
      { ...f1, value: 0.877 },
      { change: -0.059, p95_ms: 92, error_rate: 0.0011, drifted: 2, features: 38, label_delay_ms: 3 * HOUR },
    ),
    row(
      "demand-forecast",
      "v7.0",
      "regression",
      "warning",
      `${ok(36)}wwowowowwoww`,
      { metric: "mape", title: { en: "MAPE", zh: "MAPE" }, unit: "percent", value: 0.118 },
      { change: 0.009, p95_ms: 140, error_rate: 0.0002, drifted: 3, features: 61, label_delay_ms: 24 * HOUR },
    ),
    row(
      "reco-ranker",
      "v32.1",
      "ranking",
      "warning",
      "wowowwowwoowwowowwwoowowowowowowowwowowwwwowowwo".slice(0, 48),
      { metric: "ndcg", title: { en: "NDCG@10", zh: "NDCG@10" }, unit: "ratio", value: 0.412 },
      { change: 0.004, p95_ms: 311, error_rate: 0.0034, drifted: 0, features: 112, label_delay_ms: HOUR / 3 },
    ),
    row(
      "doc-classifier",
      "v3.4",
      "multiclass",
      "ok",
      ok(48),
      { ...f1, value: 0.943 },
      { change: 0.002, p95_ms: 61, error_rate: 0.0004, drifted: 0, features: 24, label_delay_ms: 6 * HOUR },
    ),
    row(
      "churn-gbdt",
      "v9.1",
      "binary",
      "ok",
      `${ok(20)}w${ok(27)}`,
      { metric: "auc_roc", title: { en: "AUC", zh: "AUC" }, unit: "ratio", value: 0.891 },
      { change: 0.001, p95_ms: 18, error_rate: 0, drifted: 1, features: 47, label_delay_ms: 168 * HOUR },
    ),
    row(
      "intent-nlu",
      "v5.8",
      "multiclass",
      "ok",
      `${ok(8)}w${ok(11)}w${ok(4)}w${ok(2)}w${ok(20)}`.slice(0, 48),
      { ...f1, value: 0.917 },
      { change: -0.001, p95_ms: 44, error_rate: 0.0007, drifted: 0, features: 8, label_delay_ms: 2 * HOUR },
    ),
    row("image-defect", "v2.0", "multiclass", "no_data", ok(29) + "n".repeat(19), { ...f1, value: null }, {}),
  ];
}

export function alerts(now: number): Alert[] {
  const one = (
    a: Partial<Alert> & Pick<Alert, "rule" | "title" | "severity" | "state" | "since">,
  ): Alert => ({
    fingerprint: a.rule,
    model: "fraud-scorer",
    version: "v14.2",
    segment: "",
    feature: "",
    metric: "",
    unit: "ratio",
    value: null,
    limit: null,
    operator: "lt",
    until: null,
    labels: {},
    annotations: {},
    ...a,
  });
  return [
    one({
      rule: "f1_low",
      title: "F1 below critical limit",
      severity: "critical",
      state: "firing",
      since: now - 3.8 * HOUR,
      metric: "f1_score",
      value: 0.877,
      limit: 0.88,
    }),
    one({
      rule: "drift_txn_amount",
      title: "Feature drift: txn_amount",
      severity: "critical",
      state: "firing",
      since: now - 2.35 * HOUR,
      metric: "feature_drift",
      feature: "txn_amount",
      value: 0.37,
      limit: 0.3,
      operator: "gt",
    }),
    one({
      rule: "missing_device_age",
      title: "Missing values: device_age_d",
      severity: "warning",
      state: "firing",
      since: now - 1.27 * HOUR,
      metric: "missing_rate",
      feature: "device_age_d",
      unit: "percent",
      value: 0.078,
      limit: 0.05,
      operator: "gt",
    }),
    one({
      rule: "slow",
      title: "Slow responses",
      severity: "warning",
      state: "silenced",
      since: now - 6.87 * HOUR,
      until: now + 3 * HOUR,
      model: "reco-ranker",
      metric: "response_time",
      unit: "ms",
      value: 311,
      limit: 250,
      operator: "gt",
    }),
    one({
      rule: "cpu",
      title: "CPU high",
      severity: "warning",
      state: "pending",
      since: now - 0.05 * HOUR,
      model: "",
      version: "",
      metric: "cpu_usage",
      unit: "percent",
      value: 0.72,
      limit: 0.7,
      operator: "gt",
    }),
    one({
      rule: "errors",
      title: "Error rate",
      severity: "critical",
      state: "resolved",
      since: now - 9 * HOUR,
      until: now - 8.5 * HOUR,
      metric: "error_rate",
      unit: "percent",
      value: 0.011,
      limit: 0.05,
      operator: "gt",
    }),
  ];
}

export function rules(): Rule[] {
  const r = (
    name: string,
    metric: string,
    operator: string,
    unit: string,
    warning: number | null,
    critical: number | null,
    state: string,
    enabled = true,
  ): Rule => ({
    name,
    title: name.replaceAll("_", " "),
    metric,
    operator,
    unit,
    warning,
    critical,
    duration: "1m",
    min_samples: 200,
    model: "",
    enabled,
    origin: "builtin",
    state,
  });
  return [
    r("accuracy_low", "accuracy", "lt", "ratio", null, 0.9, "ok"),
    r("f1_low", "f1_score", "lt", "ratio", 0.91, 0.88, "critical"),
    r("recall_low", "recall", "lt", "ratio", null, 0.85, "critical"),
    r("response_time_high", "response_time", "gt", "ms", 150, 300, "ok"),
    r("cpu_high", "cpu_usage", "gt", "percent", 0.7, 0.85, "pending"),
    r("throughput_low", "throughput", "lt", "per_second", 800, 500, "ok", false),
    r("error_rate_high", "error_rate", "gt", "percent", 0.02, 0.05, "ok"),
  ];
}

export function notifications(now: number): Notification[] {
  return [
    {
      time: now - 2.3 * HOUR,
      receiver: "inbox",
      status: "firing",
      title: "Feature drift: txn_amount",
      text: "PSI 0.37 is above 0.30 on fraud-scorer.",
      severity: "critical",
      model: "fraud-scorer",
    },
    {
      time: now - 3.7 * HOUR,
      receiver: "inbox",
      status: "firing",
      title: "F1 below critical limit",
      text: "F1 0.877 is below 0.880 on fraud-scorer.",
      severity: "critical",
      model: "fraud-scorer",
    },
    {
      time: now - 8.5 * HOUR,
      receiver: "inbox",
      status: "resolved",
      title: "Error rate",
      text: "Back to 1.1 %.",
      severity: "critical",
      model: "fraud-scorer",
    },
  ];
}
