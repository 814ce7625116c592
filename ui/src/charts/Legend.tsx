import { useTranslation } from "react-i18next";
import { full, plain } from "../lib/format";
import { type Entry, lastValue } from "./lines";
import { DASHES, WIDTHS } from "./style";

/** A piece of the line as it is drawn: colour, dash and width. */
export function Sample({ entry }: { entry: Entry }) {
  const i = entry.of % DASHES.length;
  const dash = entry.reference ? "4 4" : DASHES[i]!.join(" ");
  return (
    <svg className="sample" width="18" height="8" aria-hidden="true">
      <path
        d="M0 4H18"
        stroke={entry.reference ? "var(--sref)" : `var(--s${i + 1})`}
        strokeWidth={entry.reference ? 1.6 : Math.max(1.6, WIDTHS[i]!)}
        strokeDasharray={dash || undefined}
      />
    </svg>
  );
}

function value(e: Entry, at: number | null, div: number | undefined): string {
  const v = at === null ? lastValue(e.values) : e.values[at];
  return div === undefined ? full(v, e.unit) : plain(v, e.unit, div);
}

interface Props {
  entries: Entry[];
  hidden: ReadonlySet<string>;
  /** Index under the cursor; null shows the last value. */
  at: number | null;
  onToggle(id: string, alone: boolean): void;
  /** Set where the unit stands in the panel's header: the divisor of the common unit. */
  div?: number;
}

export function Legend({ entries, hidden, at, onToggle, div }: Props) {
  const { t } = useTranslation();
  return (
    <div
      className={div === undefined ? "legend" : "legend small"}
      role="group"
      aria-label={t("chart.legend")}
    >
      {entries
        .filter((e) => div === undefined || !e.reference)
        .map((e) => (
          <button
            key={e.id}
            type="button"
            className="legend-item"
            aria-pressed={!hidden.has(e.id)}
            title={t("chart.legendHint")}
            onClick={(ev) => onToggle(e.id, ev.ctrlKey || ev.metaKey)}
          >
            <Sample entry={e} />
            <span className="legend-name">{e.label}</span>
            <b className="num">{value(e, at, div)}</b>
          </button>
        ))}
    </div>
  );
}
