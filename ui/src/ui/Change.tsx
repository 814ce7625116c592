import { useTranslation } from "react-i18next";
import type { State, Unit } from "../api/types";
import { changeSize, direction } from "../lib/format";

interface Props {
  change: number | null | undefined;
  unit: Unit;
  state: State;
  low?: number | null;
  high?: number | null;
  /** Operator of the limit that is broken: "lt" means that falling is what harms. */
  operator?: string;
  compact?: boolean;
}

/** Arrow and absolute difference; coloured only where the metric's state is not ok. */
export function Change({ change, unit, state, low, high, operator, compact }: Props) {
  const { t } = useTranslation();
  if (change === null || change === undefined || !Number.isFinite(change)) return null;
  const way = direction(change, low, high);
  const size = changeSize(change, unit);
  const points = unit === "percent";
  const words = t(`change.${way}`, { size: points ? t("change.points", { size }) : size });
  const harmful = operator?.startsWith("l")
    ? way === "down"
    : operator?.startsWith("g")
      ? way === "up"
      : true;
  const marked = way !== "same" && harmful && (state === "warning" || state === "critical");
  return (
    <span className={`change ${marked ? `state-${state}` : ""}`}>
      <span className="sr">{words}</span>
      <span aria-hidden="true" className="num">
        {way === "same" ? (
          "="
        ) : (
          <>
            <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
              <path d={way === "up" ? "M5 1 9.6 9H.4z" : "M5 9 .4 1h9.2z"} fill="currentColor" />
            </svg>
            {points && !compact ? t("change.pointsShort", { size }) : size}
          </>
        )}
      </span>
    </span>
  );
}
