import type { Limits, Values } from "../api/types";

// Pure geometry of the small charts.

export function extent(...lists: (Values | null | undefined)[]): [number, number] | null {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (const l of lists)
    for (const v of l ?? []) {
      if (v === null || !Number.isFinite(v)) continue;
      if (v < lo) lo = v;
      if (v > hi) hi = v;
    }
  return lo <= hi ? [lo, hi] : null;
}

/** Domain with 8 % of room; a flat line gets room so that it is drawn in the middle. */
export function padded([lo, hi]: [number, number]): [number, number] {
  const room = hi > lo ? (hi - lo) * 0.08 : Math.abs(hi) * 0.02 || 1;
  return [lo - room, hi + room];
}

/** Takes a limit in where it is near enough not to flatten the line. */
export function withLimits(domain: [number, number], limits: Limits | null | undefined): [number, number] {
  let [lo, hi] = domain;
  const reach = (hi - lo) * 0.9;
  for (const v of [limits?.warning, limits?.critical]) {
    if (typeof v !== "number") continue;
    if (v < lo && lo - v <= reach) lo = v;
    if (v > hi && v - hi <= reach) hi = v;
  }
  return [lo, hi];
}

/** Lines of a path; null breaks it, a lone sample becomes a short dash. */
export function linePath(values: Values, width: number, height: number, [lo, hi]: [number, number]): string {
  const n = values.length;
  const x = (i: number) => (n < 2 ? width / 2 : (i / (n - 1)) * width);
  const y = (v: number) => height - ((v - lo) / (hi - lo || 1)) * height;
  let d = "";
  let pen = false;
  for (let i = 0; i < n; i++) {
    const v = values[i];
    if (v === null || v === undefined || !Number.isFinite(v)) {
      pen = false;
      continue;
    }
    const next = values[i + 1];
    const lone = !pen && (next === null || next === undefined);
    d += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(2)}${lone ? "h1" : ""}`;
    pen = true;
  }
  return d;
}

/** The same path closed down to the foot, one area a run of samples. */
export function areaPath(line: string, height: number): string {
  return line
    .split("M")
    .filter(Boolean)
    .map((run) => {
      const pts = run.replace(/h1$/, "").split("L");
      const x0 = pts[0]!.split(" ")[0];
      const x1 = pts[pts.length - 1]!.split(" ")[0];
      return `M${x0} ${height}L${pts.join("L")}L${x1} ${height}Z`;
    })
    .join("");
}

/** The step 0..6 of a heat map, tied to the limits in force. */
export function heatLevel(v: number, warning: number, critical: number): number {
  const edges = [0.4 * warning, 0.7 * warning, warning, (warning + critical) / 2, critical, 1.5 * critical];
  let level = 0;
  while (level < edges.length && v >= edges[level]! - 1e-12) level++;
  return level;
}

/** Merges columns so that each is at least `min` pixels wide; the largest value of a group stands for it. */
export function mergeColumns(time: number[], rows: Values[], width: number, min: number) {
  const by = Math.max(1, Math.ceil((time.length * min) / Math.max(1, width)));
  if (by === 1) return { time, rows };
  // Groups end at the last column, so that "now" is always a full one.
  const starts: number[] = [];
  for (let end = time.length; end > 0; end -= by) starts.unshift(Math.max(0, end - by));
  const group = (r: Values) =>
    starts.map((s, i) => {
      const vs = r
        .slice(s, starts[i + 1] ?? r.length)
        .filter((v): v is number => v !== null && v !== undefined);
      return vs.length > 0 ? Math.max(...vs) : null;
    });
  return { time: starts.map((s) => time[s]!), rows: rows.map(group) };
}
