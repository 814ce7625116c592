import { type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Drift } from "../api/types";
import { clock, longTime, shortDay } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { DAY } from "../lib/time";
import { useWidth } from "../ui/useSize";
import { heatLevel, mergeColumns } from "./scale";

const MIN_CELL = 13; // px
const LABEL_ROOM = 62; // px between column labels

interface Props {
  drift: Drift;
  rows: number;
}

/** Features by time. Rows come sorted from the server; steps are tied to its limits. */
export function Heat({ drift, rows }: Props) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const [box, width] = useWidth<HTMLDivElement>();
  const grid = useRef<HTMLDivElement>(null);
  const [focus, setFocus] = useState<[number, number]>([0, -1]);
  const [tip, setTip] = useState<{ r: number; c: number } | null>(null);

  const features = drift.features.slice(0, rows);
  const names = width < 460 ? 96 : 118;
  const room = Math.max(60, width - names - 52);
  const merged = mergeColumns(
    drift.time,
    features.map((f) => f.values),
    room,
    width < 460 ? 20 : MIN_CELL,
  );
  const n = merged.time.length;
  const w = drift.warning ?? 0.1;
  const c = drift.critical ?? 0.25;
  const every = Math.max(1, Math.ceil(LABEL_ROOM / (room / Math.max(1, n))));
  const days = n > 1 && merged.time[n - 1]! - merged.time[0]! > 3 * DAY;
  const num = (v: number | null | undefined) => (v === null || v === undefined ? "—" : v.toFixed(2));
  const col = focus[1] < 0 ? n - 1 : Math.min(focus[1], n - 1);

  const move = (e: KeyboardEvent) => {
    const d: Record<string, [number, number]> = {
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      Home: [0, -n],
      End: [0, n],
    };
    const by = d[e.key];
    if (!by) return;
    e.preventDefault();
    const r = Math.max(0, Math.min(features.length - 1, focus[0] + by[0]));
    const k = Math.max(0, Math.min(n - 1, col + by[1]));
    setFocus([r, k]);
    setTip({ r, c: k });
    grid.current?.querySelector<HTMLElement>(`[data-cell="${r}-${k}"]`)?.focus();
  };
  const says = (r: number, k: number) =>
    t("drift.cell", {
      feature: features[r]!.name,
      time: longTime(merged.time[k]!, lang),
      value: num(merged.rows[r]![k]),
      method: drift.method.toUpperCase(),
    });

  return (
    <div ref={box} className="heat">
      {width > 0 && (
        <div
          ref={grid}
          role="grid"
          aria-label={t("drift.grid", { method: drift.method.toUpperCase() })}
          className="heat-grid"
          style={{ gridTemplateColumns: `${names}px repeat(${n}, minmax(0, 1fr)) 44px` }}
          onKeyDown={move}
          onMouseLeave={() => setTip(null)}
          onBlur={() => setTip(null)}
        >
          {features.map((f, r) => (
            <div role="row" key={f.name} className="heat-row" tabIndex={-1}>
              <div role="rowheader" tabIndex={-1} className="heat-name" title={f.name}>
                {f.name}
              </div>
              {merged.rows[r]!.map((v, k) => {
                const on = focus[0] === r && col === k;
                const level = v === null ? -1 : heatLevel(v, w, c);
                return (
                  <div
                    role="gridcell"
                    key={k}
                    data-cell={`${r}-${k}`}
                    tabIndex={on ? 0 : -1}
                    aria-label={says(r, k)}
                    className={level < 0 ? "heat-cell none" : "heat-cell"}
                    style={level < 0 ? undefined : { background: `var(--h${level})` }}
                    onMouseEnter={() => setTip({ r, c: k })}
                  >
                    {v !== null && v >= c ? <Cross /> : v !== null && v >= w ? <Dot /> : null}
                  </div>
                );
              })}
              <div role="gridcell" tabIndex={-1} className={`heat-last num state-${f.state}`}>
                {num(f.last)}
              </div>
            </div>
          ))}
          <div className="heat-row heat-axis" aria-hidden="true">
            <span />
            {merged.time.map((ms, k) => (
              <span key={ms} className="heat-tick">
                {(n - 1 - k) % every === 0 ? <i>{days ? shortDay(ms, lang) : clock(ms)}</i> : null}
              </span>
            ))}
            <span />
          </div>
        </div>
      )}
      <div className="heat-key">
        <span>{drift.method.toUpperCase()} 0</span>
        <span className="heat-steps" aria-hidden="true">
          {[0, 1, 2, 3, 4, 5, 6].map((i) => (
            <i key={i} style={{ background: `var(--h${i})` }} />
          ))}
        </span>
        <span>{num(c * 1.5)}+</span>
        <span>
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <circle cx="5" cy="5" r="2" fill="currentColor" />
          </svg>{" "}
          {t("drift.warn", { value: num(w) })}
        </span>
        <span>
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <path d="m2 2 6 6m0-6-6 6" stroke="currentColor" strokeWidth="1.6" />
          </svg>{" "}
          {t("drift.crit", { value: num(c) })}
        </span>
      </div>
      {tip && merged.time[tip.c] !== undefined && (
        <div
          className="charttip heat-tip"
          style={tip.c > n / 2 ? { left: 0, top: tip.r * 23 } : { right: 0, top: tip.r * 23 }}
          aria-hidden="true"
        >
          <div className="charttip-time">{longTime(merged.time[tip.c]!, lang)}</div>
          <div className="charttip-row">
            <span>{features[tip.r]!.name}</span>
            <b className="num">{num(merged.rows[tip.r]![tip.c])}</b>
          </div>
        </div>
      )}
    </div>
  );
}

const Dot = () => (
  <svg viewBox="0 0 10 10" width="9" height="9" aria-hidden="true">
    <circle cx="5" cy="5" r="2.2" fill="var(--surface)" />
  </svg>
);
const Cross = () => (
  <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
    <path d="m2 2 6 6m0-6-6 6" stroke="var(--surface)" strokeWidth="1.6" />
  </svg>
);
