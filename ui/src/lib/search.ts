import { DEFAULT_FROM, DEFAULT_TO, parseTime, REFRESH } from "./time";

// The view as it stands in the query string: plain text, no quoting, defaults
// left out, and whatever is not understood dropped and reported by name.

export type Compare = "off" | "prev" | "day" | "week";
export const COMPARES: readonly Compare[] = ["off", "prev", "day", "week"];

export interface Search {
  m?: string;
  from?: string;
  to?: string;
  cmp?: Compare;
  refresh?: string;
  lang?: "en" | "zh";
  theme?: "light" | "dark" | "auto";
  tab?: string;
  state?: string;
  next?: string;
  /** Names of parameters that were not understood; never written back. */
  bad?: string[];
}

export const DEFAULTS = { from: DEFAULT_FROM, to: DEFAULT_TO, cmp: "prev", refresh: "30s" } as const;

const MAX = 300; // characters of one value; longer ones are not ours

function isTime(v: string): boolean {
  return parseTime(v, 0) !== null;
}

const CHECKS: Record<Exclude<keyof Search, "bad">, (v: string) => boolean> = {
  m: (v) => v.length > 0,
  from: isTime,
  to: isTime,
  cmp: (v) => (COMPARES as readonly string[]).includes(v),
  refresh: (v) => v in REFRESH,
  lang: (v) => v === "en" || v === "zh",
  theme: (v) => v === "light" || v === "dark" || v === "auto",
  tab: (v) => /^[a-z]+$/.test(v),
  state: (v) => /^[a-z_]+$/.test(v),
  next: (v) => v.startsWith("/") && !v.startsWith("//"),
};
/** Parameters of the contract that this release does not act on; they pass without a notice. */
const LATER = new Set([
  "v",
  "env",
  "seg",
  "tz",
  "panel",
  "hide",
  "q",
  "sev",
  "sort",
  "page",
  "viz",
  "step",
  "kiosk",
  "q0",
  "q1",
  "q2",
  "q3",
  "q4",
  "q5",
]);

export function parseSearch(text: string): Search {
  const out: Search = {};
  const bad: string[] = [];
  for (const [k, v] of new URLSearchParams(text)) {
    const check = Object.hasOwn(CHECKS, k) ? CHECKS[k as keyof typeof CHECKS] : undefined;
    if (check && v.length <= MAX && check(v)) Object.assign(out, { [k]: v });
    else if (check || !LATER.has(k)) bad.push(k.slice(0, 40));
  }
  if (bad.length > 0) out.bad = bad.slice(0, 5);
  return out;
}

/** The query string with its "?", or nothing when all is at its default. */
export function stringifySearch(search: Record<string, unknown>): string {
  const q: string[] = [];
  for (const k of Object.keys(CHECKS)) {
    const v = search[k];
    if (typeof v !== "string" || v === "" || v === (DEFAULTS as Record<string, string>)[k]) continue;
    // Colons, slashes and commas are plain text in a query and are left readable.
    q.push(`${k}=${encodeURIComponent(v).replace(/%3A/g, ":").replace(/%2F/g, "/").replace(/%2C/g, ",")}`);
  }
  return q.length > 0 ? `?${q.join("&")}` : "";
}

/** What follows the reader from page to page. */
export function keep(s: Search): Search {
  const { m, from, to, cmp, refresh, lang, theme } = s;
  return { m, from, to, cmp, refresh, lang, theme };
}
