import type { Unit } from "../api/types";

// Numbers as text. The unit comes with the metric from the server; nothing
// here guesses from names, and nothing here judges.

export const DASH = "—";
const MINUS = "−";

export interface Shown {
  text: string;
  unit: string;
}

function fixed(v: number, digits: number): string {
  const s = Math.abs(v).toFixed(digits);
  return v < 0 && Number(s) !== 0 ? MINUS + s : s;
}

/** Digits that keep about three figures: 1.23, 12.3, 123. */
function figures(v: number): number {
  const a = Math.abs(v);
  return a >= 100 || a === 0 ? 0 : a >= 10 ? 1 : 2;
}

function scaled(v: number, steps: [number, string][], small: (v: number) => string): Shown {
  const a = Math.abs(v);
  for (const [size, name] of steps)
    if (a >= size) return { text: trim(fixed(v / size, figures(v / size))), unit: name };
  return { text: small(v), unit: "" };
}

function trim(s: string): string {
  return s.includes(".") ? s.replace(/\.?0+$/, "") : s;
}

/** A percentage of a ratio 0..1: one decimal below 10, two below 1, none above; never a false zero. */
export function percent(ratio: number, fine = false): string {
  const v = ratio * 100;
  const a = Math.abs(v);
  if (a !== 0 && a < 0.01) return "<0.01";
  return fixed(v, a === 0 ? 0 : a < 1 ? 2 : a < 10 || fine ? 1 : 0);
}

/** A value and its unit apart, so that the unit can be drawn small. */
export function show(value: number | null | undefined, unit: Unit, fine = false): Shown {
  if (value === null || value === undefined || !Number.isFinite(value)) return { text: DASH, unit: "" };
  switch (unit) {
    case "ratio":
      return Math.abs(value) >= 1000
        ? { text: compact(value), unit: "" }
        : { text: fixed(value, 3), unit: "" };
    case "percent":
      return { text: percent(value, fine), unit: "%" };
    case "ms":
      return milliseconds(value);
    case "per_second": {
      const s = scaled(
        value,
        [
          [1e6, "M"],
          [1e3, "k"],
        ],
        (v) => trim(fixed(v, figures(v))),
      );
      return { text: s.text, unit: `${s.unit}/s` };
    }
    case "bytes_per_second": {
      const s = scaled(
        value,
        [
          [1e9, "GB/s"],
          [1e6, "MB/s"],
          [1e3, "kB/s"],
        ],
        (v) => fixed(v, 0),
      );
      return { text: s.text, unit: s.unit || "B/s" };
    }
    case "count":
      return { text: compact(value), unit: "" };
    case "number": // any range, no unit
    case "target": // the unit of what the model predicts, which nobody told us
      return { text: trim(fixed(value, figures(value))), unit: "" };
    default:
      return { text: trim(fixed(value, figures(value))), unit: unit };
  }
}

function milliseconds(v: number): Shown {
  const a = Math.abs(v);
  if (a !== 0 && a < 1) return { text: fixed(v * 1000, figures(v * 1000)), unit: "µs" };
  if (a >= 10_000) return { text: trim(fixed(v / 1000, figures(v / 1000))), unit: "s" };
  return { text: a < 10 ? trim(fixed(v, 1)) : fixed(v, 0), unit: "ms" };
}

/** 12.4k in tiles; four digits are still read at a glance. */
export function compact(v: number): string {
  const small = (x: number) => trim(fixed(x, Number.isInteger(x) ? 0 : 2));
  if (Math.abs(v) < 1e4) return small(v);
  const s = scaled(
    v,
    [
      [1e9, "G"],
      [1e6, "M"],
      [1e3, "k"],
    ],
    small,
  );
  return s.text + s.unit;
}

/** 12,408 in full, the same in both languages. */
export function whole(v: number | null | undefined): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return DASH;
  return fixed(Math.round(v), 0).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** Value and unit in one string; a thin space before the unit in prose. */
export function full(value: number | null | undefined, unit: Unit, fine = false): string {
  const s = show(value, unit, fine);
  return s.unit ? `${s.text}\u2009${s.unit}` : s.text;
}

/** The size of a change without its sign, in the metric's own unit. */
export function changeSize(change: number, unit: Unit): string {
  const a = Math.abs(change);
  if (unit === "percent") return fixed(a * 100, a * 100 < 1 ? 2 : 1);
  if (unit === "ms") return fixed(a, a < 10 ? 1 : 0);
  const s = show(a, unit);
  return s.unit && unit !== "per_second"
    ? `${s.text} ${s.unit}`
    : s.text + (s.unit === "/s" ? "" : s.unit.replace("/s", ""));
}

export type Direction = "up" | "down" | "same";

/** Which way a change points; inside the interval it is no change. */
export function direction(change: number, low?: number | null, high?: number | null): Direction {
  const half = typeof low === "number" && typeof high === "number" ? (high - low) / 2 : 0;
  if (change === 0 || Math.abs(change) <= half) return "same";
  return change > 0 ? "up" : "down";
}

export function signed(v: number | null | undefined, unit: Unit): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return DASH;
  const size = changeSize(v, unit);
  return (v > 0 ? "+" : v < 0 ? MINUS : "") + size;
}

export type DurationWords = (key: "s" | "m" | "h" | "d", n: number) => string;

/** The two largest units: 3h 48m. The words come from the language. */
export function duration(ms: number, words: DurationWords): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const all: ["d" | "h" | "m" | "s", number][] = [
    ["d", Math.floor(s / 86400)],
    ["h", Math.floor(s / 3600) % 24],
    ["m", Math.floor(s / 60) % 60],
    ["s", s % 60],
  ];
  const first = all.findIndex(([, n]) => n > 0);
  if (first < 0) return words("s", 0);
  const [u1, n1] = all[first]!;
  const next = all[first + 1];
  // Seconds beside minutes are noise.
  if (!next || next[1] === 0 || next[0] === "s") return words(u1, n1);
  return `${words(u1, n1)} ${words(next[0], next[1])}`;
}

const pad = (n: number) => String(n).padStart(2, "0");

/** 14:30 */
export function clock(ms: number, seconds = false): string {
  const d = new Date(ms);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}${seconds ? `:${pad(d.getSeconds())}` : ""}`;
}

/** 2026-11-22 14:30, for tables. */
export function stamp(ms: number, seconds = false): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(ms, seconds)}`;
}

/** 22 Nov 2026, 14:30:00 in the language of the page. */
export function longTime(ms: number, lang: string): string {
  const date = new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium" }).format(ms);
  return `${date}${lang === "zh" ? " " : ", "}${clock(ms, true)}`;
}

/** 22 Nov, for axes. */
export function shortDay(ms: number, lang: string): string {
  return new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en-GB", {
    day: "numeric",
    month: "short",
  }).format(ms);
}

/** One factor for everything in a chart, so that its unit can be told once. */
export function common(unit: Unit, max: number): { div: number; name: string } {
  if (unit === "bytes_per_second") {
    if (max >= 1e9) return { div: 1e9, name: "GB/s" };
    if (max >= 1e6) return { div: 1e6, name: "MB/s" };
    return max >= 1e3 ? { div: 1e3, name: "kB/s" } : { div: 1, name: "B/s" };
  }
  return { div: unit === "percent" ? 0.01 : 1, name: "" };
}

/** A value in the chart's common unit, without that unit. */
export function plain(value: number | null | undefined, unit: Unit, div: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  if (unit === "bytes_per_second") return trim(fixed(value / div, figures(value / div)));
  if (unit === "ms") return trim(fixed(value, Math.abs(value) < 10 ? 1 : 0));
  const s = show(value, unit);
  return unit === "per_second" ? s.text + s.unit.replace("/s", "") : s.text;
}

/** Labels of an axis: digits grow until they differ. */
export function axisLabels(ticks: number[], unit: Unit, common = 0): string[] {
  if (common > 0 && unit === "bytes_per_second")
    return axisLabels(
      ticks.map((v) => v / common),
      "",
    );
  const scale = unit === "percent" ? 100 : 1;
  const vs = ticks.map((t) => t * scale);
  const max = Math.max(...vs.map(Math.abs), 0);
  let div = 1;
  let tail = "";
  if (unit === "bytes_per_second") {
    if (max >= 1e6) [div, tail] = [1e6, "M"];
    else if (max >= 1e3) [div, tail] = [1e3, "k"];
  } else if (max >= 1e6) [div, tail] = [1e6, "M"];
  else if (max >= 1e4 || (max >= 1000 && unit === "per_second")) [div, tail] = [1e3, "k"];
  for (let digits = unit === "ratio" ? 3 : 0; digits < 7; digits++) {
    const out = vs.map((v) => (v === 0 && unit !== "ratio" ? "0" : fixed(v / div, digits) + tail));
    if (new Set(out).size === out.length) return out;
  }
  return vs.map(String);
}
