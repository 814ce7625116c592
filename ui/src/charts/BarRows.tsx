import { useTranslation } from "react-i18next";
import type { DataQualityRow, Pair, State } from "../api/types";
import { DASH, percent } from "../lib/format";
import { Glyph } from "../ui/Glyph";

interface BarProps {
  value: number | null;
  state: State;
  limits: Pair | null | undefined;
  top: number;
  colour: string;
}

function Bar({ value, state, limits, top, colour }: BarProps) {
  const fill = state === "critical" ? "var(--critical)" : state === "warning" ? "var(--warning)" : colour;
  const marked = state === "critical" || state === "warning";
  return (
    <>
      <td className="bar-cell">
        <span className="bar-track" aria-hidden="true">
          {value !== null && value > 0 && (
            <i style={{ width: `max(2px, ${Math.min(100, (value / top) * 100)}%)`, background: fill }} />
          )}
          {typeof limits?.warning === "number" && limits.warning <= top && (
            <b style={{ left: `${(limits.warning / top) * 100}%` }} />
          )}
        </span>
      </td>
      <td className={`bar-value num state-${state}`}>
        {marked && <Glyph state={state} size={12} />}
        {value === null ? DASH : `${value > 0 && value < 0.0005 ? "<0.1" : (value * 100).toFixed(1)}%`}
      </td>
    </>
  );
}

/** The end of a track: the critical limit, or what is larger. */
export function trackEnd(values: (number | null)[], limits: Pair | null | undefined): number {
  const max = Math.max(0, ...values.map((v) => v ?? 0));
  return Math.max(max, limits?.critical ?? limits?.warning ?? 0) || 1;
}

interface Props {
  rows: DataQualityRow[];
  missing?: Pair | null;
  outliers?: Pair | null;
}

/** Share of missing values and of outliers by feature, against their limits. */
export function BarRows({ rows, missing, outliers }: Props) {
  const { t } = useTranslation();
  const mTop = trackEnd(
    rows.map((r) => r.missing),
    missing,
  );
  const oTop = trackEnd(
    rows.map((r) => r.outliers),
    outliers,
  );
  const limit = (p: Pair | null | undefined) =>
    typeof p?.warning === "number" ? t("dataq.limit", { value: `${percent(p.warning)} %` }) : undefined;
  return (
    <table className="bars">
      <colgroup>
        <col className="bars-name" />
        <col className="bars-bar" />
        <col className="bars-num" />
        <col className="bars-bar" />
        <col className="bars-num" />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">{t("dataq.feature")}</th>
          <th scope="colgroup" colSpan={2} title={limit(missing)}>
            {t("dataq.missing")}
          </th>
          <th scope="colgroup" colSpan={2} title={limit(outliers)}>
            {t("dataq.outliers")}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((r) => (
          <tr key={r.feature}>
            <th scope="row" title={r.feature}>
              {r.feature}
            </th>
            <Bar
              value={r.missing}
              state={r.missing_state ?? "ok"}
              limits={missing}
              top={mTop}
              colour="var(--s1)"
            />
            <Bar
              value={r.outliers}
              state={r.outliers_state ?? "ok"}
              limits={outliers}
              top={oTop}
              colour="var(--s4)"
            />
          </tr>
        ))}
      </tbody>
    </table>
  );
}
