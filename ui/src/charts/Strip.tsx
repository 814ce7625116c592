import { useTranslation } from "react-i18next";
import type { State } from "../api/types";

// State over time: height, pattern and colour each tell the state.

const HEIGHT: Record<State, number> = {
  ok: 9,
  warning: 15,
  critical: 20,
  no_data: 4,
  silenced: 9,
  pending: 12,
};

function fill(s: State): { fill: string; stroke?: string; strokeDasharray?: string } {
  switch (s) {
    case "ok":
      return { fill: "var(--ok)" };
    case "warning":
      return { fill: "url(#hatch-strip)" };
    case "critical":
      return { fill: "var(--critical)" };
    case "silenced":
      return { fill: "none", stroke: "var(--silenced)", strokeDasharray: "2 1.5" };
    case "pending":
      return { fill: "none", stroke: "var(--warning-text)", strokeDasharray: "2 1.5" };
    default:
      return { fill: "var(--nodata)" };
  }
}

/** "38 ok, 4 warning, 6 critical": what the strip says to a screen reader. */
export function countStates(states: State[]): [State, number][] {
  const n = new Map<State, number>();
  for (const s of states) n.set(s, (n.get(s) ?? 0) + 1);
  return [...n.entries()];
}

export function Strip({ states, hours = 24 }: { states: State[]; hours?: number }) {
  const { t } = useTranslation();
  const step = 5;
  const parts = countStates(states).map(([s, n]) =>
    t("strip.part", { state: t(`state.${s}`), percent: Math.round((n / states.length) * 100) }),
  );
  return (
    <svg
      className="strip"
      viewBox={`0 0 ${states.length * step} 20`}
      preserveAspectRatio="none"
      role="img"
      aria-label={t("strip.label", { hours, parts: parts.join(", ") })}
    >
      {states.map((s, i) => (
        <rect
          key={i}
          x={i * step + 0.4}
          y={20 - HEIGHT[s]}
          width={step - 1}
          height={HEIGHT[s]}
          {...fill(s)}
        />
      ))}
    </svg>
  );
}
