import { useTranslation } from "react-i18next";
import { full, longTime } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { Sample } from "./Legend";
import type { Entry } from "./lines";

export const MAX_ROWS = 12;
const WIDTH = 250;

interface Props {
  time: number;
  left: number;
  width: number;
  at: number;
  entries: Entry[];
  /** Draws the cursor line too: the pointer is elsewhere, the keyboard moves it. */
  cursor: boolean;
}

/** Beside the cursor, on the side with room, never on it. */
export function Tooltip({ time, left, width, at, entries, cursor }: Props) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const onLeft = left > width / 2;
  const style = onLeft ? { right: width - left + 12 } : { left: left + 12 };
  const rows = entries.slice(0, MAX_ROWS);
  return (
    <>
      {cursor && <div className="keycursor" style={{ left }} />}
      <div
        className="charttip"
        style={{ ...style, maxWidth: Math.min(WIDTH, Math.max(140, (onLeft ? left : width - left) - 14)) }}
        aria-hidden="true"
      >
        <div className="charttip-time">{longTime(time, lang)}</div>
        {rows.map((e) => (
          <div className="charttip-row" key={e.id}>
            <Sample entry={e} />
            <span>{e.label}</span>
            <b className="num">{full(e.values[at], e.unit)}</b>
          </div>
        ))}
        {entries.length > rows.length && (
          <div className="charttip-time">{t("chart.more", { count: entries.length - rows.length })}</div>
        )}
      </div>
    </>
  );
}
