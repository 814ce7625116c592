// Ranges of time as they stand in the address bar: "now", "now-6h", "now/d",
// RFC 3339 or milliseconds. Months and days are cut in the viewer's zone.

export const DEFAULT_FROM = "now-24h";
export const DEFAULT_TO = "now";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
const UNIT_MS: Record<string, number> = { s: 1000, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };

const RELATIVE = /^now(?:([+-])(\d{1,6})([smhdw]))?(?:\/([hdw]))?$/;
const LOCAL = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;
// Day first, as written in much of the world: 21 Nov 2026 or 21/11/2026 08:00.
const DAY_FIRST = /^(\d{1,2})[./](\d{1,2})[./](\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;
const CHINESE = /^(\d{4})年(\d{1,2})月(\d{1,2})日?(?:\s*(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;
const MILLIS = /^\d{12,14}$/;
const SECONDS = /^\d{9,10}$/;

export type Edge = "start" | "end";

/** Cuts a time down to the start of its hour, day or week (Monday), or up to the end of it. */
export function cut(ms: number, unit: string, edge: Edge): number {
  const d = new Date(ms);
  if (unit === "h") d.setMinutes(0, 0, 0);
  else d.setHours(0, 0, 0, 0);
  if (unit === "w") d.setDate(d.getDate() - ((d.getDay() + 6) % 7));
  if (edge === "end") {
    if (unit === "h") d.setHours(d.getHours() + 1);
    else d.setDate(d.getDate() + (unit === "w" ? 7 : 1));
  }
  return d.getTime();
}

function parts(m: RegExpMatchArray, order: [number, number, number], edge: Edge): number | null {
  const [y, mo, da] = order.map((i) => Number(m[i])) as [number, number, number];
  const timed = m[4] !== undefined;
  const d = new Date(y, mo - 1, da, Number(m[4] ?? 0), Number(m[5] ?? 0), Number(m[6] ?? 0));
  // Date rolls 31 February over; what was typed must be what is meant.
  if (d.getMonth() !== mo - 1 || d.getDate() !== da) return null;
  return !timed && edge === "end" ? cut(d.getTime(), "d", "end") : d.getTime();
}

/** Milliseconds meant by an expression, or null where it means nothing. */
export function parseTime(text: string, now: number, edge: Edge = "start"): number | null {
  const s = text.trim();
  const rel = s.match(RELATIVE);
  if (rel) {
    let t = now;
    if (rel[1]) t += (rel[1] === "-" ? -1 : 1) * Number(rel[2]) * UNIT_MS[rel[3]!]!;
    return rel[4] ? cut(t, rel[4], edge) : t;
  }
  if (MILLIS.test(s)) return Number(s);
  if (SECONDS.test(s)) return Number(s) * 1000;
  if (RFC3339.test(s)) {
    const t = Date.parse(s);
    return Number.isNaN(t) ? null : t;
  }
  const ymd = s.match(LOCAL) ?? s.match(CHINESE);
  if (ymd) return parts(ymd, [1, 2, 3], edge);
  const dmy = s.match(DAY_FIRST);
  if (dmy) return parts(dmy, [3, 2, 1], edge);
  return null;
}

export interface Range {
  from: string;
  to: string;
}

export interface Span {
  from: number;
  to: number;
}

/** Both ends in milliseconds; null when an end is not understood or the order is wrong. */
export function resolve(range: Range, now: number): Span | null {
  const from = parseTime(range.from, now, "start");
  const to = parseTime(range.to, now, "end");
  return from === null || to === null || from >= to ? null : { from, to };
}

export function isRelative(text: string): boolean {
  return text.startsWith("now");
}

/**
 * What goes to the server. Plain offsets stay relative, so that the server's
 * own clock decides and the answer can be cached; everything that depends on
 * the viewer's zone is sent as milliseconds.
 */
export function wire(text: string, now: number, edge: Edge): string {
  const rel = text.match(RELATIVE);
  if (rel && !rel[4]) {
    if (!rel[1]) return "now";
    const unit = rel[3]!;
    if (unit === "d" || unit === "w") return `now${rel[1]}${(Number(rel[2]) * UNIT_MS[unit]!) / HOUR}h`;
    return text;
  }
  const ms = parseTime(text, now, edge);
  return ms === null ? text : String(ms);
}

/** The quick list of the range picker: key of its text, from, to. */
export const QUICK: readonly { key: string; from: string; to: string }[] = [
  { key: "15m", from: "now-15m", to: "now" },
  { key: "1h", from: "now-1h", to: "now" },
  { key: "6h", from: "now-6h", to: "now" },
  { key: "24h", from: "now-24h", to: "now" },
  { key: "2d", from: "now-2d", to: "now" },
  { key: "7d", from: "now-7d", to: "now" },
  { key: "30d", from: "now-30d", to: "now" },
  { key: "90d", from: "now-90d", to: "now" },
  { key: "today", from: "now/d", to: "now" },
  { key: "yesterday", from: "now-1d/d", to: "now-1d/d" },
  { key: "week", from: "now/w", to: "now" },
  { key: "lastWeek", from: "now-1w/w", to: "now-1w/w" },
];

/** Moves a range by a share of its own length; a range that moves becomes absolute. */
export function shift(span: Span, share: number, now: number): Range {
  const by = (span.to - span.from) * share;
  const to = Math.min(span.to + by, Math.max(now, span.to));
  return absolute({ from: to - (span.to - span.from), to });
}

/** Doubles a range around its middle, not past now. */
export function zoomOut(span: Span, now: number): Range {
  const half = span.to - span.from;
  const mid = (span.from + span.to) / 2;
  const to = Math.min(mid + half, Math.max(now, span.to));
  return absolute({ from: to - 2 * half, to });
}

export function absolute(span: Span): Range {
  return { from: String(Math.round(span.from)), to: String(Math.round(span.to)) };
}

export const REFRESH: Record<string, number> = {
  off: 0,
  "5s": 5_000,
  "10s": 10_000,
  "30s": 30_000,
  "1m": MINUTE,
  "5m": 5 * MINUTE,
};
