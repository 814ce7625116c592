import { describe, expect, it } from "vitest";
import { trackEnd } from "../src/charts/BarRows";
import { place, placePoints } from "../src/charts/EventLane";
import { columns, entries, isolated, lastValue, yEnds } from "../src/charts/lines";
import { areaPath, extent, heatLevel, linePath, mergeColumns, padded, withLimits } from "../src/charts/scale";
import { toCSV } from "../src/lib/csv";

describe("small charts", () => {
  it("finds no extent where there is nothing", () => {
    expect(extent([null, null], null)).toBeNull();
    expect(extent([null, 2], [1])).toEqual([1, 2]);
  });

  it("draws a flat line in the middle", () => {
    const [lo, hi] = padded([5, 5]);
    expect((lo + hi) / 2).toBe(5);
    expect(hi).toBeGreaterThan(lo);
  });

  it("takes near limits into the picture and leaves far ones out", () => {
    expect(withLimits([0.9, 0.95], { operator: "lt", warning: 0.88, critical: 0.2 })).toEqual([0.88, 0.95]);
  });

  it("breaks lines at gaps and shows lone samples", () => {
    const d = linePath([1, 1, null, 1, null, 1, 1], 60, 10, [0, 2]);
    expect(d.match(/M/g)).toHaveLength(3);
    expect(d.match(/h1/g)).toHaveLength(1);
    expect(areaPath(d, 10).match(/Z/g)).toHaveLength(3);
  });

  it("ties the steps of a heat map to the limits", () => {
    expect([0, 0.08, 0.14, 0.2, 0.25, 0.3, 0.45].map((v) => heatLevel(v, 0.2, 0.3))).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ]);
    expect(heatLevel(0.1999, 0.2, 0.3)).toBe(2);
  });

  it("merges narrow columns by their largest value, the newest group full", () => {
    const m = mergeColumns([1, 2, 3, 4, 5], [[1, 9, 2, null, 3]], 30, 10);
    expect(m.time).toEqual([1, 2, 4]);
    expect(m.rows).toEqual([[1, 9, 3]]);
  });

  it("gives a track the room of its critical limit or of its largest value", () => {
    expect(trackEnd([0.02, null], { warning: 0.05, critical: 0.1 })).toBe(0.1);
    expect(trackEnd([0.3], { warning: 0.05, critical: 0.1 })).toBe(0.3);
    expect(trackEnd([null], null)).toBe(1);
  });
});

describe("time charts", () => {
  const s = (key: string, extra = {}) => ({
    key,
    title: { en: key, zh: `中${key}` },
    unit: "ratio",
    values: [1, null, 3],
    ...extra,
  });

  it("draws the first series last and bands for one or two series only", () => {
    const band = { low: [0, 0, 0], high: [2, 2, 2] };
    expect(columns([s("a", band), s("b")]).map((c) => `${c.kind}${c.of}`)).toEqual([
      "high0",
      "low0",
      "line1",
      "line0",
    ]);
    expect(columns([s("a", band), s("b"), s("c")]).map((c) => c.kind)).toEqual(["line", "line", "line"]);
  });

  it("shows one reference, in the legend after the series", () => {
    const list = entries(
      [s("a", { compare: [1, 1, 1] }), s("b", { compare: [2, 2, 2] })],
      "zh",
      (n) => `${n}·前`,
    );
    expect(list.map((e) => e.label)).toEqual(["中a", "中b", "中a·前"]);
    expect(columns([s("a", { compare: [null, null, null] })]).some((c) => c.kind === "compare")).toBe(false);
  });

  it("knows the last value and the samples without a neighbour", () => {
    expect(lastValue([1, 2, null])).toBe(2);
    expect(lastValue([null])).toBeNull();
    expect(isolated([1, null, 2, 3, null, 4])).toEqual([0, 5]);
  });

  it.each([
    ["fit", 0.8, 0.9, (lo: number, hi: number) => lo < 0.8 && hi > 0.9],
    ["zero", 5, 10, (lo: number, hi: number) => lo === 0 && hi > 10],
    ["zero", 0, 0, (lo: number, hi: number) => lo === 0 && hi === 1],
    ["zero", -3, 10, (lo: number) => lo === -3],
    ["capacity", 0.2, 0.4, (lo: number, hi: number) => lo === 0 && hi === 1],
    ["fit", null, null, (lo: number, hi: number) => lo < hi],
  ] as const)("ends the %s axis of %s..%s", (kind, lo, hi, ok) => {
    expect(ok(...yEnds(kind, lo, hi))).toBe(true);
  });

  it("puts overlapping spans into two rows, cut to the range", () => {
    const e = (from: number, to: number | null) => ({ kind: "alert", from, to, label: "x" });
    const p = place([e(-50, 20), e(10, 40), e(60, null), e(200, 300)], 0, 100, 100);
    expect(p.map((x) => [x.x, x.w, x.row])).toEqual([
      [0, 20, 0],
      [10, 30, 1],
      [60, 40, 0],
    ]);
  });

  it("merges deployments that would lie on each other", () => {
    const d = (from: number) => ({ kind: "deployment", from, label: `v${from}` });
    expect(placePoints([d(10), d(12), d(90)], 0, 100, 100, 50).map((p) => p.events.length)).toEqual([2, 1]);
  });
});

describe("CSV", () => {
  it("quotes, marks the byte order and never starts a formula", () => {
    expect(
      toCSV(
        ["t", "a"],
        [
          ['x,"y"', null],
          ["=1+1", -2],
        ],
      ),
    ).toBe('\ufefft,a\r\n"x,""y""",\r\n\'=1+1,-2\r\n');
  });
});
