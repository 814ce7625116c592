import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { ChartEvent, ChartSeries } from "../api/types";
import { axisLabels, clock, common, full, longTime, shortDay } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { DAY } from "../lib/time";
import { useWidth } from "../ui/useSize";
import { EventLane } from "./EventLane";
import { Legend } from "./Legend";
import { columns, type Entry, entries, isolated, lastValue, type YRange, yEnds } from "./lines";
import { type LimitLine, paintDeployments, paintLimits, paintPending } from "./paint";
import { extent } from "./scale";
import { DASHES, fade, REF_DASH, readLook, WIDTHS } from "./style";
import { Tooltip } from "./Tooltip";

interface Props {
  /** What the chart shows, for its name and its spoken summary. */
  label: string;
  time: number[];
  series: ChartSeries[];
  from: number;
  to: number;
  height: number;
  y?: YRange;
  limits?: LimitLine[];
  pendingFrom?: number | null;
  events?: ChartEvent[];
  /** Draws the lane of events under the axis. */
  lane?: boolean;
  /** Fills under the first series. */
  area?: boolean;
  /** A narrow chart: units stand in the header, the legend shows the series only. */
  small?: boolean;
  onZoom?(from: number, to: number): void;
  onZoomOut?(): void;
}

const SYNC = "leeway";
const MIN_DRAG = 6; // px

/** What the drawing reads at draw time; kept in a ref so that new data never rebuilds the chart. */
type Live = Props & { list: Entry[]; pendingText: string; lang: string };

export function TimeChart(props: Props) {
  const { t } = useTranslation();
  const { scheme, lang } = usePrefs();
  const [box, width] = useWidth<HTMLDivElement>();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const inside = useRef(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [area, setArea] = useState<{ left: number; width: number } | null>(null);
  const [at, setAt] = useState<{ idx: number; left: number; own: boolean } | null>(null);

  const list = useMemo(
    () => entries(props.series, lang, (name) => t("chart.previous", { name })),
    [props.series, lang, t],
  );
  const live = useRef<Live>(null as unknown as Live);
  live.current = { ...props, list, pendingText: t("chart.pending"), lang };

  const cols = useMemo(() => columns(props.series), [props.series]);
  const data = useMemo(
    () => [props.time, ...cols.map((c) => c.values)] as unknown as uPlot.AlignedData,
    [props.time, cols],
  );
  // The chart object is rebuilt only when its structure, theme or language changes.
  const shape = JSON.stringify([
    cols.map((c) => [c.kind, c.of]),
    props.series.map((s) => [s.key, s.unit, s.axis]),
    props.y,
    props.area,
  ]);
  const ready = width > 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: see shape; everything else is read through live
  useEffect(() => {
    if (!ready || !host.current) return;
    const u = new uPlot(
      options({
        width,
        live: () => live.current,
        inside: () => inside.current,
        onArea: (a) => setArea((old) => (old && old.left === a.left && old.width === a.width ? old : a)),
        onCursor: setAt,
      }),
      data,
      host.current,
    );
    u.over.addEventListener("mouseenter", () => {
      inside.current = true;
    });
    u.over.addEventListener("mouseleave", () => {
      inside.current = false;
      setAt(null);
      // What came while the picture was held still.
      if (u.data !== latest.current) u.setData(latest.current);
    });
    plot.current = u;
    return () => {
      plot.current = null;
      u.destroy();
    };
  }, [ready, shape, scheme, lang]);

  const latest = useRef(data);
  latest.current = data;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the others are read through live while drawing
  useEffect(() => {
    const u = plot.current;
    // A picture under the pointer does not move.
    if (!u || inside.current) return;
    u.setData(data);
  }, [data, props.from, props.to, props.limits, props.pendingFrom, props.events]);

  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: props.height });
  }, [width, props.height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a rebuilt chart (shape, theme, language) must hide them again
  useEffect(() => {
    const u = plot.current;
    if (!u) return;
    cols.forEach((c, i) => {
      const id = c.kind === "compare" ? `${props.series[c.of]!.key}:ref` : props.series[c.of]!.key;
      const show = !hidden.has(id);
      if (u.series[i + 1]!.show !== show) u.setSeries(i + 1, { show });
    });
  }, [hidden, shape, scheme, lang, ready]);

  const toggle = (id: string, alone: boolean) =>
    setHidden((old) => {
      if (alone) {
        const others = list.filter((e) => e.id !== id).map((e) => e.id);
        return others.every((o) => old.has(o)) && !old.has(id) ? new Set() : new Set(others);
      }
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });

  const onKeyDown = (e: KeyboardEvent) => {
    const u = plot.current;
    const n = props.time.length;
    if (!u || n === 0) return;
    const now = at?.idx ?? n - 1;
    const by = e.shiftKey ? 10 : 1;
    const to: Record<string, number> = { ArrowLeft: now - by, ArrowRight: now + by, Home: 0, End: n - 1 };
    if (e.key === "Escape") return setAt(null);
    const idx = to[e.key];
    if (idx === undefined) return;
    e.preventDefault();
    const i = Math.max(0, Math.min(n - 1, idx));
    setAt({ idx: i, left: u.valToPos(props.time[i]!, "x"), own: true });
  };

  const said = at?.own
    ? `${longTime(props.time[at.idx] ?? 0, lang)}. ${list.map((e) => `${e.label} ${full(e.values[at.idx], e.unit)}`).join(", ")}`
    : "";
  const div = props.small ? divisor(props.series, "left") : undefined;
  const shown = list.filter((e) => !hidden.has(e.id));
  return (
    <div className="timechart" ref={box}>
      <Legend entries={list} hidden={hidden} at={at?.idx ?? null} onToggle={toggle} div={div} />
      <div
        className="timechart-plot"
        style={{ height: props.height }}
        role="group"
        tabIndex={0}
        aria-label={summary(t, props.label, list)}
        onKeyDown={onKeyDown}
        onBlur={() => setAt(null)}
      >
        <div ref={host} />
        {at?.own && area && (
          <Tooltip
            time={props.time[at.idx] ?? props.from}
            left={area.left + at.left}
            width={width}
            at={at.idx}
            entries={shown}
            cursor={!inside.current}
          />
        )}
      </div>
      {props.lane && area && (
        <EventLane
          events={props.events ?? []}
          from={props.from}
          to={props.to}
          left={area.left}
          width={area.width}
          total={width}
        />
      )}
      <div className="sr" aria-live="polite">
        {said}
      </div>
    </div>
  );
}

function summary(
  t: (k: string, o?: Record<string, unknown>) => string,
  label: string,
  list: Entry[],
): string {
  const parts = list
    .filter((e) => !e.reference)
    .map((e) => t("chart.spoken", { name: e.label, value: full(lastValue(e.values), e.unit) }));
  return t("chart.region", { label, parts: parts.join("; ") });
}

/** What one axis divides by, so that its unit can be told once. */
export function divisor(series: ChartSeries[], axis: "left" | "right"): number {
  const mine = series.filter((s) => (s.axis ?? "left") === axis);
  const top = extent(...mine.map((s) => s.values));
  return common(mine[0]?.unit ?? "", Math.max(...(top ?? [0]).map(Math.abs))).div;
}

interface Wiring {
  width: number;
  live(): Live;
  inside(): boolean;
  onArea(a: { left: number; width: number }): void;
  onCursor(at: { idx: number; left: number; own: boolean } | null): void;
}

function options({ width, live, inside, onArea, onCursor }: Wiring): uPlot.Options {
  const look = readLook();
  const first = live();
  const cols = columns(first.series);
  const unitOf = (axis: "left" | "right") =>
    live().series.find((s) => (s.axis ?? "left") === axis)?.unit ?? live().series[0]?.unit ?? "ratio";
  const font = `11px ${look.font}`;
  const grid = { stroke: look.grid, width: 1 };
  const yAxis = (scale: string, axis: "left" | "right"): uPlot.Axis => ({
    scale,
    side: axis === "left" ? 3 : 1,
    font,
    stroke: look.text3,
    grid: axis === "left" ? grid : { show: false },
    ticks: { show: false },
    gap: 8,
    space: 34,
    values: (_u, splits) => {
      const labels = axisLabels(splits, unitOf(axis), first.small ? divisor(live().series, axis) : 0);
      // The left unit stands in the header; the right one would be ambiguous.
      return axis === "right" && unitOf(axis) === "percent" ? labels.map((l) => `${l}%`) : labels;
    },
    size: (_u, labels) => Math.max(30, 14 + Math.max(0, ...(labels ?? []).map((l) => l.length)) * 6.3),
  });
  const hasRight = first.series.some((s) => s.axis === "right");
  const scaleOf = (of: number) => (first.series[of]?.axis === "right" ? "y2" : "y");
  const colourOf = (of: number) => look.series[of % look.series.length]!;

  const series: uPlot.Series[] = cols.map((c) => {
    const base = { scale: scaleOf(c.of), spanGaps: false };
    const points: uPlot.Series.Points = {
      show: true,
      size: 4,
      filter: (u, i) => isolated(u.data[i] as (number | null)[]),
    };
    if (c.kind === "low" || c.kind === "high") return { ...base, width: 0, points: { show: false } };
    if (c.kind === "compare") return { ...base, stroke: look.ref, width: 1.2, dash: REF_DASH, points };
    const i = c.of % DASHES.length;
    const fill = first.area && c.of === 0 ? fade(colourOf(0), 0.1) : undefined;
    return { ...base, stroke: colourOf(c.of), width: WIDTHS[i], dash: DASHES[i], points, fill };
  });
  const bands: uPlot.Band[] = [];
  cols.forEach((c, i) => {
    if (c.kind === "high") bands.push({ series: [i + 1, i + 2], fill: fade(colourOf(c.of), 0.1) });
  });

  return {
    width,
    height: first.height,
    ms: 1,
    padding: [8, hasRight ? 0 : 26, 0, 0],
    legend: { show: false },
    series: [{}, ...series],
    bands,
    scales: {
      x: { time: true, range: () => [live().from, live().to] },
      y: { range: (_u, min, max) => yEnds(live().y ?? "fit", min, max) },
      y2: { range: (_u, min, max) => yEnds("zero", min, max) },
    },
    axes: [
      {
        font,
        stroke: look.text3,
        grid,
        ticks: { show: false },
        gap: 6,
        size: 26,
        space: 70,
        values: (_u, splits, _i, _s, incr) => xLabels(splits, incr, live().lang),
      },
      yAxis("y", "left"),
      ...(hasRight ? [yAxis("y2", "right")] : []),
    ],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: MIN_DRAG },
      sync: { key: SYNC, scales: ["x", null] },
      points: { size: 7, width: 0 },
      bind: {
        dblclick: () => () => {
          live().onZoomOut?.();
          return null;
        },
      },
    },
    hooks: {
      ready: [(u) => report(u, onArea)],
      setSize: [(u) => report(u, onArea)],
      drawClear: [
        (u) => {
          const l = live();
          if (typeof l.pendingFrom === "number" && l.pendingFrom < l.to)
            paintPending(u, look, l.pendingFrom, l.pendingText);
        },
      ],
      draw: [
        (u) => {
          const l = live();
          const deployed = (l.events ?? []).filter((e) => e.kind === "deployment").map((e) => e.from);
          paintDeployments(u, look, deployed);
          paintLimits(u, look, l.limits ?? []);
          report(u, onArea);
        },
      ],
      setCursor: [
        (u) => {
          const idx = u.cursor.idx;
          const left = u.cursor.left ?? -1;
          if (idx === null || idx === undefined || left < 0) onCursor(null);
          else onCursor({ idx, left, own: inside() });
        },
      ],
      setSelect: [
        (u) => {
          const { left, width: w } = u.select;
          const { from, to } = { from: u.posToVal(left, "x"), to: u.posToVal(left + w, "x") };
          const step = (u.data[0]![1] ?? 0) - (u.data[0]![0] ?? 0);
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (inside() && w >= MIN_DRAG && to - from >= 2 * step)
            live().onZoom?.(Math.round(from), Math.round(to));
        },
      ],
    },
  };
}

function report(u: uPlot, onArea: Wiring["onArea"]): void {
  const k = u.ctx.canvas.width / u.width;
  onArea({ left: Math.round(u.bbox.left / k), width: Math.round(u.bbox.width / k) });
}

/** Hours as 15:00; the change of a day shows its date. */
function xLabels(splits: number[], incr: number, lang: string): string[] {
  return splits.map((ms) => {
    const d = new Date(ms);
    const midnight = d.getHours() === 0 && d.getMinutes() === 0 && d.getSeconds() === 0;
    return incr >= DAY || midnight ? shortDay(ms, lang) : clock(ms, incr < 60_000);
  });
}
