import { IconRocket } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ChartEvent } from "../api/types";
import { clock } from "../lib/format";

export interface Placed {
  event: ChartEvent;
  x: number;
  w: number;
  row: number;
}

export const ROWS = 2;

/** Puts spans into rows so that none covers another; what has no row left shares the last. */
export function place(events: ChartEvent[], from: number, to: number, width: number): Placed[] {
  const scale = width / Math.max(1, to - from);
  const ends: number[] = [];
  const out: Placed[] = [];
  const spans = events.filter((e) => e.kind !== "deployment" && e.kind !== "note");
  for (const event of [...spans].sort((a, b) => a.from - b.from)) {
    const start = Math.max(from, event.from);
    const end = Math.min(to, event.to ?? to);
    if (end < from || start > to) continue;
    const x = (start - from) * scale;
    const w = Math.max(3, (end - start) * scale);
    let row = ends.findIndex((e) => e <= x);
    if (row < 0) row = Math.min(ends.length, ROWS - 1);
    ends[row] = Math.max(ends[row] ?? 0, x + w + 2);
    out.push({ event, x, w, row });
  }
  return out;
}

/** Points in time, merged into a count where they would lie on each other. */
export function placePoints(events: ChartEvent[], from: number, to: number, width: number, room: number) {
  const scale = width / Math.max(1, to - from);
  const out: { x: number; events: ChartEvent[] }[] = [];
  for (const e of events
    .filter((p) => p.kind === "deployment" || p.kind === "note")
    .sort((a, b) => a.from - b.from)) {
    if (e.from < from || e.from > to) continue;
    const x = (e.from - from) * scale;
    const last = out[out.length - 1];
    if (last && x - last.x < room) last.events.push(e);
    else out.push({ x, events: [e] });
  }
  return out;
}

interface Props {
  events: ChartEvent[];
  from: number;
  to: number;
  left: number;
  width: number;
  total: number;
}

export function EventLane({ events, from, to, left, width, total }: Props) {
  const { t } = useTranslation();
  const spans = place(events, from, to, width);
  const points = placePoints(events, from, to, width, 70);
  const says = (e: ChartEvent) =>
    t(`event.${e.kind === "deployment" || e.kind === "silence" || e.kind === "note" ? e.kind : "alert"}`, {
      label: e.label,
      from: clock(e.from),
      to: e.to ? clock(e.to) : t("event.now"),
    });
  if (spans.length === 0 && points.length === 0) return null;
  return (
    <ul className="lane" style={{ width: total }} aria-label={t("event.lane")}>
      {spans.map(({ event, x, w, row }) => (
        <li
          key={`${event.kind}-${event.from}-${event.label}-${x}`}
          className={`span span-${event.kind} sev-${event.severity ?? ""}`}
          style={{ left: left + x, width: w, top: 4 + row * 10 }}
          title={says(event)}
        >
          <span className="sr">{says(event)}</span>
        </li>
      ))}
      {points.map(({ x, events: es }) => {
        const onLeft = x > 64;
        return (
          <li
            key={`p${x}`}
            className="point"
            style={onLeft ? { right: total - left - x + 4 } : { left: left + x + 4 }}
            title={es.map(says).join("\n")}
          >
            <IconRocket size={12} aria-hidden="true" />
            <span aria-hidden="true">{es.length > 1 ? `×${es.length}` : es[0]!.label}</span>
            <span className="sr">{es.map(says).join("; ")}</span>
          </li>
        );
      })}
    </ul>
  );
}
