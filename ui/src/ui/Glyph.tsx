import { useTranslation } from "react-i18next";
import type { State } from "../api/types";

// Shape, edge and word of each state. The shapes alone tell the states apart
// in greyscale and for the colour-blind.

const OCTAGON = "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z";
const TRIANGLE = "M8 1.6 15.2 14.4H.8z";

function shape(state: State) {
  switch (state) {
    case "ok":
      return (
        <>
          <circle cx="8" cy="8" r="7" fill="var(--ok)" />
          <path
            d="m4.8 8.3 2.2 2.2 4.2-4.6"
            fill="none"
            stroke="var(--on-mark)"
            strokeWidth="1.8"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </>
      );
    case "warning":
      return (
        <>
          <path
            d={TRIANGLE}
            fill="var(--warning)"
            stroke="var(--warning-edge)"
            strokeWidth="1.3"
            strokeLinejoin="round"
          />
          <path d="M8 6v4" stroke="var(--on-warning)" strokeWidth="1.7" strokeLinecap="round" />
          <circle cx="8" cy="12.2" r="1" fill="var(--on-warning)" />
        </>
      );
    case "critical":
      return (
        <>
          <path d={OCTAGON} fill="var(--critical)" />
          <path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" stroke="#fff" strokeWidth="1.8" strokeLinecap="round" />
        </>
      );
    case "silenced":
      return (
        <>
          <rect
            x="1.8"
            y="1.8"
            width="12.4"
            height="12.4"
            rx="3"
            fill="none"
            stroke="var(--silenced)"
            strokeWidth="1.7"
          />
          <path d="m4.8 11.2 6.4-6.4" stroke="var(--silenced)" strokeWidth="1.7" strokeLinecap="round" />
        </>
      );
    case "pending":
      return (
        <path
          d="M8 2.6 14.2 13.8H1.8z"
          fill="none"
          stroke="var(--warning-text)"
          strokeWidth="1.6"
          strokeLinejoin="round"
          strokeDasharray="3 1.6"
        />
      );
    default:
      return (
        <circle
          cx="8"
          cy="8"
          r="6.4"
          fill="none"
          stroke="var(--nodata)"
          strokeWidth="1.6"
          strokeDasharray="2.6 2.2"
        />
      );
  }
}

interface Props {
  state: State;
  size?: number;
  /** Set where a word stands beside the mark already. */
  silent?: boolean;
}

export function Glyph({ state, size = 16, silent = false }: Props) {
  const { t } = useTranslation();
  const label = silent
    ? { "aria-hidden": true as const }
    : { role: "img", "aria-label": t(`state.${state}`) };
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: label carries the name, or hides it where a word stands beside it
    <svg className="glyph" width={size} height={size} viewBox="0 0 16 16" data-state={state} {...label}>
      {shape(state)}
    </svg>
  );
}

/** The state of an alert as a state of the page. */
export function alertState(a: { state: string; severity: string }): State {
  if (a.state === "silenced") return "silenced";
  if (a.state === "pending") return "pending";
  if (a.state === "resolved") return "ok";
  return a.severity === "critical" ? "critical" : "warning";
}

/** Patterns that any drawing of the page may refer to; drawn once. */
export function Patterns() {
  return (
    <svg width="0" height="0" className="patterns" aria-hidden="true">
      <defs>
        <pattern
          id="hatch-warning"
          width="5"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="5" height="5" fill="var(--warning)" />
          <rect width="2.2" height="5" fill="var(--warning-hatch)" />
        </pattern>
        <pattern
          id="hatch-strip"
          width="4"
          height="5"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="4" height="5" fill="var(--warning)" />
          <rect width="1" height="5" fill="var(--warning-hatch)" />
        </pattern>
      </defs>
    </svg>
  );
}
