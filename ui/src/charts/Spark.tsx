import type { Limits, State, Values } from "../api/types";
import { areaPath, extent, linePath, padded, withLimits } from "./scale";

interface Props {
  values: Values;
  compare?: Values | null;
  limits?: Limits | null;
  state?: State;
  area?: boolean;
  className?: string;
}

const W = 240;
const H = 48;

/** A line without axes. It stretches to its box; strokes keep their width. */
export function Spark({ values, compare, limits, state, area = false, className }: Props) {
  const range = extent(values, compare);
  if (!range) return <svg className={className} aria-hidden="true" />;
  const domain = withLimits(padded(range), limits);
  const y = (v: number) => H - ((v - domain[0]) / (domain[1] - domain[0])) * H;
  const line = linePath(values, W, H, domain);
  const colour = state === "critical" ? "var(--critical)" : "var(--s1)";
  const inside = (v: number | null | undefined): v is number =>
    typeof v === "number" && v >= domain[0] && v <= domain[1];
  return (
    <svg className={className} viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" aria-hidden="true">
      {area && <path d={areaPath(line, H)} fill={colour} opacity={state === "critical" ? 0.09 : 0.1} />}
      {inside(limits?.warning) && (
        <path className="spark-limit" d={`M0 ${y(limits.warning)}H${W}`} stroke="var(--warning-edge)" />
      )}
      {inside(limits?.critical) && (
        <path className="spark-limit" d={`M0 ${y(limits.critical)}H${W}`} stroke="var(--critical)" />
      )}
      {compare && <path className="spark-compare" d={linePath(compare, W, H, domain)} />}
      <path className="spark-line" d={line} stroke={colour} />
    </svg>
  );
}
