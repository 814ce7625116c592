// The answers of /api/v1 as the dashboard reads them. Times are unix
// milliseconds; null in a values array is a gap.

export type State = "ok" | "warning" | "critical" | "no_data" | "pending" | "silenced";
export type Unit = "ratio" | "percent" | "ms" | "per_second" | "bytes_per_second" | "count" | (string & {});
export type Values = (number | null)[];
export type Params = Record<string, unknown>;

/** A name in both languages, or one plain string (user text is never translated). */
export type Words = { en: string; zh?: string } | string;

export interface Bootstrap {
  version: string;
  build: string;
  auth: "open" | "token";
  authenticated: boolean;
  role: string;
  demo: boolean;
  features: { inbox?: boolean };
  locales: string[];
  now: number;
}

export interface Reason {
  code: string;
  params?: Params | null;
}

export interface Limits {
  operator: string;
  warning: number | null;
  critical: number | null;
}

export interface Tile {
  key: string;
  title: Words;
  unit: Unit;
  value: number | null;
  state: State;
  reason?: Reason | null;
  change?: number | null;
  low?: number | null;
  high?: number | null;
  n?: number | null;
  spark?: Values | null;
  spark_compare?: Values | null;
  limits?: Limits | null;
}

export interface ChartSeries {
  key: string;
  title: Words;
  unit: Unit;
  values: Values;
  low?: Values | null;
  high?: Values | null;
  compare?: Values | null;
  axis?: "left" | "right";
}

export interface ChartLimit {
  metric: string;
  level: "warning" | "critical";
  value: number;
  operator: string;
}

export interface ChartEvent {
  kind: "alert" | "deployment" | "silence" | "note" | (string & {});
  from: number;
  to?: number | null;
  label: string;
  severity?: string | null;
}

export interface Alert {
  fingerprint: string;
  rule: string;
  title: Words;
  severity: string;
  state: "pending" | "firing" | "resolved" | "silenced";
  model?: string;
  version?: string;
  segment?: string;
  feature?: string;
  host?: string;
  metric?: string;
  unit?: Unit;
  value?: number | null;
  limit?: number | null;
  operator?: string;
  since: number;
  until?: number | null;
  labels?: Record<string, string> | null;
  annotations?: Record<string, string> | null;
}

export interface DriftFeature {
  name: string;
  kind?: string;
  values: Values;
  last: number | null;
  state: State;
}

export interface Drift {
  method: string;
  time: number[];
  features: DriftFeature[];
  warning: number | null;
  critical: number | null;
  drifted: number;
  total: number;
}

export interface DataQualityRow {
  feature: string;
  missing: number | null;
  missing_state?: State;
  outliers: number | null;
  outliers_state?: State;
}

export interface Pair {
  warning: number | null;
  critical: number | null;
}

export interface ModelRow {
  name: string;
  version?: string;
  task?: string;
  state: State;
  strip?: State[] | null;
  headline?: { metric: string; title: Words; value: number | null; unit: Unit } | null;
  change?: number | null;
  p95_ms?: number | null;
  error_rate?: number | null;
  drifted?: number | null;
  features?: number | null;
  label_delay_ms?: number | null;
}

export interface Banner {
  state: State;
  critical: number;
  warning: number;
  since?: number | null;
  checks: number;
  labels_until?: number | null;
  explain?: Reason[] | null;
}

export interface QualityChart {
  time: number[];
  series: ChartSeries[];
  limits?: ChartLimit[] | null;
  pending_from?: number | null;
  events?: ChartEvent[] | null;
}

export interface SystemChart {
  key: string;
  series: ChartSeries[];
}

export interface Overview {
  now: number;
  from: number;
  to: number;
  step_ms: number;
  first_run: boolean;
  model?: { name: string; version?: string; task?: string; state: State } | null;
  banner?: Banner | null;
  quality?: Tile[] | null;
  vitals?: Tile[] | null;
  chart?: QualityChart | null;
  alerts?: {
    items?: Alert[] | null;
    per_hour?: { time: number; warning: number; critical: number }[] | null;
    started: number;
  } | null;
  drift?: Drift | null;
  data_quality?: DataQualityRow[] | null;
  data_quality_limits?: { missing?: Pair | null; outliers?: Pair | null } | null;
  system?: { time: number[]; charts: SystemChart[] } | null;
  models?: ModelRow[] | null;
}

export interface Rule {
  name: string;
  kind?: string;
  title?: Words;
  metric: string;
  operator: string;
  warning: number | null;
  critical: number | null;
  duration?: string | number;
  min_samples?: number;
  model?: string;
  unit?: Unit;
  enabled: boolean;
  origin?: string;
  state?: string;
}

export interface Notification {
  time: number;
  receiver: string;
  status: string;
  title: string;
  text: string;
  severity: string;
  model?: string;
}
