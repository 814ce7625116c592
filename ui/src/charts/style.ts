// Tokens for canvas drawing, read when a chart is drawn.

export interface Look {
  series: string[];
  ref: string;
  text3: string;
  grid: string;
  surface: string;
  warning: string;
  critical: string;
  criticalText: string;
  hatch: string;
  border: string;
  font: string;
}

export const DASHES: number[][] = [[], [7, 3], [2, 2.5], [10, 3, 2, 3], [], [4, 2]];
export const WIDTHS = [2.4, 1.6, 1.6, 1.6, 1.2, 1.6];
export const REF_DASH = [4, 4];

export function readLook(): Look {
  const css = getComputedStyle(document.documentElement);
  const v = (name: string) => css.getPropertyValue(name).trim();
  return {
    series: [1, 2, 3, 4, 5, 6].map((i) => v(`--s${i}`)),
    ref: v("--sref"),
    text3: v("--text3"),
    grid: v("--grid"),
    surface: v("--surface"),
    warning: v("--warning-text"),
    critical: v("--critical"),
    criticalText: v("--critical-text"),
    hatch: v("--pending-hatch"),
    border: v("--border-strong"),
    font: v("--font"),
  };
}

/** A colour with an alpha, for fills of a series' own colour. */
export function fade(hex: string, alpha: number): string {
  const n = Number.parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${alpha})`;
}
