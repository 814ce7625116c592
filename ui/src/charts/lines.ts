import type { ChartSeries, Unit, Values } from "../api/types";
import { words } from "../i18n";

// What a time chart draws, column by column, in the order it is drawn.

export interface Column {
  kind: "line" | "compare" | "low" | "high";
  /** Index of the series that this column belongs to. */
  of: number;
  values: Values;
}

export interface Entry {
  id: string;
  label: string;
  unit: Unit;
  /** Index of the series; its colour and dash follow from it. */
  of: number;
  reference: boolean;
  values: Values;
}

/** Bands and the reference lie under the lines, the first series on top of all. */
export function columns(series: ChartSeries[]): Column[] {
  const out: Column[] = [];
  if (series.length <= 2)
    series.forEach((s, of) => {
      if (s.low && s.high) out.push({ kind: "high", of, values: s.high }, { kind: "low", of, values: s.low });
    });
  const ref = reference(series);
  if (ref >= 0) out.push({ kind: "compare", of: ref, values: series[ref]!.compare! });
  for (let of = series.length - 1; of >= 0; of--) out.push({ kind: "line", of, values: series[of]!.values });
  return out;
}

/** The series whose past is drawn: the first that has one. */
export function reference(series: ChartSeries[]): number {
  return series.findIndex((s) => s.compare?.some((v) => v !== null));
}

/** Legend and tooltip order: the series as sent, then the reference. */
export function entries(series: ChartSeries[], lang: string, refLabel: (of: string) => string): Entry[] {
  const out: Entry[] = series.map((s, of) => ({
    id: s.key,
    label: words(s.title, lang) || s.key,
    unit: s.unit,
    of,
    reference: false,
    values: s.values,
  }));
  const ref = reference(series);
  if (ref >= 0) {
    const s = series[ref]!;
    out.push({
      id: `${s.key}:ref`,
      label: refLabel(words(s.title, lang)),
      unit: s.unit,
      of: ref,
      reference: true,
      values: s.compare!,
    });
  }
  return out;
}

export function lastValue(values: Values): number | null {
  for (let i = values.length - 1; i >= 0; i--) {
    const v = values[i];
    if (v !== null && v !== undefined) return v;
  }
  return null;
}

/** Samples without a neighbour; a line cannot show them, points can. */
export function isolated(values: ArrayLike<number | null | undefined>): number[] {
  const out: number[] = [];
  const none = (v: number | null | undefined) => v === null || v === undefined;
  for (let i = 0; i < values.length; i++)
    if (!none(values[i]) && none(values[i - 1]) && none(values[i + 1])) out.push(i);
  return out;
}

export type YRange = "fit" | "zero" | "capacity";

/** Ends of a y axis from the smallest and largest drawn value. */
export function yEnds(kind: YRange, min: number | null, max: number | null): [number, number] {
  if (kind === "capacity") return [0, Math.max(1, max ?? 1)];
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  if (kind === "zero") return [Math.min(0, min), max > 0 ? max * 1.08 : 1];
  const room = max > min ? (max - min) * 0.08 : Math.abs(max) * 0.02 || 0.5;
  return [min - room, max + room];
}
