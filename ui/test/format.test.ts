import { describe, expect, it } from "vitest";
import {
  axisLabels,
  changeSize,
  compact,
  direction,
  duration,
  full,
  percent,
  plain,
  show,
  signed,
  whole,
} from "../src/lib/format";

const words = (k: string, n: number) => `${n}${k}`;

describe("numbers", () => {
  it.each([
    [0.8774, "ratio", "0.877"],
    [0.0016, "percent", "0.16\u2009%"],
    [0.0784, "percent", "7.8\u2009%"],
    [0.324, "percent", "32\u2009%"],
    [0, "percent", "0\u2009%"],
    [0.00001, "percent", "<0.01\u2009%"],
    [59.4, "ms", "59\u2009ms"],
    [4.25, "ms", "4.3\u2009ms"],
    [0.25, "ms", "250\u2009µs"],
    [12_340, "ms", "12.3\u2009s"],
    [727, "per_second", "727\u2009/s"],
    [1850, "per_second", "1.85\u2009k/s"],
    [37_200_000, "bytes_per_second", "37.2\u2009MB/s"],
    [12_408, "count", "12.4k"],
    [-0.0004, "ratio", "0.000"],
    [null, "ratio", "—"],
    [Number.NaN, "ratio", "—"],
  ])("shows %s as %s", (v, unit, want) => {
    expect(full(v, unit)).toBe(want);
  });

  it("keeps a decimal of quality percentages above ten", () => {
    expect(percent(0.118, true)).toBe("11.8");
  });

  it("uses the true minus and full counts in tables", () => {
    expect(signed(-0.059, "ratio")).toBe("−0.059");
    expect(signed(0.004, "ratio")).toBe("+0.004");
    expect(whole(12408)).toBe("12,408");
    expect(compact(999)).toBe("999");
  });

  it("tells changes of percentages in points, not in percent of percent", () => {
    expect(changeSize(-0.021, "percent")).toBe("2.1");
    expect(changeSize(-24.4, "ms")).toBe("24");
  });

  it("calls a change inside the interval no change", () => {
    expect(direction(-0.004, 0.86, 0.88)).toBe("same");
    expect(direction(-0.059, 0.868, 0.886)).toBe("down");
    expect(direction(0.059)).toBe("up");
  });

  it("keeps the unit of a huge ratio-like number readable", () => {
    expect(show(1_234_567, "ratio").text).toBe("1.23M");
  });

  it("tells durations in their two largest units", () => {
    expect(duration(13_680_000, words)).toBe("3h 48m");
    expect(duration(3_600_000, words)).toBe("1h");
    expect(duration(61_000, words)).toBe("1m");
    expect(duration(-5, words)).toBe("0s");
  });

  it("grows the digits of an axis until its labels differ", () => {
    expect(axisLabels([0.9, 0.9002, 0.9004], "ratio")).toEqual(["0.9000", "0.9002", "0.9004"]);
    expect(axisLabels([0, 0.005, 0.01], "percent")).toEqual(["0", "0.5", "1.0"]);
    expect(axisLabels([0, 1000, 2000], "per_second")).toEqual(["0", "1k", "2k"]);
    expect(axisLabels([0, 25e6, 50e6], "bytes_per_second", 1e6)).toEqual(["0", "25", "50"]);
  });

  it("leaves the unit out where it stands in the header", () => {
    expect(plain(18_800_000, "bytes_per_second", 1e6)).toBe("18.8");
    expect(plain(64.2, "ms", 1)).toBe("64");
  });
});
