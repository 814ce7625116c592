import { describe, expect, it } from "vitest";
import { cut, DAY, HOUR, parseTime, QUICK, resolve, shift, wire, zoomOut } from "../src/lib/time";

const at = (s: string) => new Date(s).getTime(); // local time of the test zone
const now = at("2026-11-22T14:30:00");

describe("parseTime", () => {
  it.each([
    ["now", now],
    ["now-6h", now - 6 * HOUR],
    ["now-90s", now - 90_000],
    ["now/d", at("2026-11-22T00:00:00")],
    ["now-1d/d", at("2026-11-21T00:00:00")],
    ["now/w", at("2026-11-16T00:00:00")],
    ["2026-11-20", at("2026-11-20T00:00:00")],
    ["2026-11-20 08:00", at("2026-11-20T08:00:00")],
    ["2026/11/20 08:00:30", at("2026-11-20T08:00:30")],
    ["20.11.2026 08:00", at("2026-11-20T08:00:00")],
    ["2026年11月20日 08:00", at("2026-11-20T08:00:00")],
    ["2026-11-20T08:00:00Z", Date.UTC(2026, 10, 20, 8)],
    ["2026-11-20T08:00:00+08:00", Date.UTC(2026, 10, 20, 0)],
    ["1795352411597", 1795352411597],
    ["1795352411", 1795352411000],
  ])("reads %s", (text, want) => {
    expect(parseTime(text, now)).toBe(want);
  });

  it.each(["", "yesterday-ish", "now-", "now-5y", "2026-02-31", "2026-13-01", "-5"])("refuses %j", (text) => {
    expect(parseTime(text, now)).toBeNull();
  });

  it("takes a bare date as an end to the end of that day", () => {
    expect(parseTime("2026-11-20", now, "end")).toBe(at("2026-11-21T00:00:00"));
    expect(parseTime("now-1d/d", now, "end")).toBe(at("2026-11-22T00:00:00"));
  });

  it("cuts the day of a change to summer time at its real ends", () => {
    const noon = at("2026-03-29T12:00:00");
    expect(cut(noon, "d", "end") - cut(noon, "d", "start")).toBe(23 * HOUR);
  });
});

describe("ranges", () => {
  it("refuses an end before its start", () => {
    expect(resolve({ from: "now", to: "now-1h" }, now)).toBeNull();
  });

  it("gives every quick range a meaning", () => {
    for (const q of QUICK) expect(resolve(q, now), q.key).not.toBeNull();
  });

  it("keeps offsets relative on the wire, in units every server reads, and freezes calendar forms", () => {
    expect(wire("now-24h", now, "start")).toBe("now-24h");
    expect(wire("now-7d", now, "start")).toBe("now-168h");
    expect(wire("now", now, "end")).toBe("now");
    expect(wire("now/d", now, "start")).toBe(String(at("2026-11-22T00:00:00")));
  });

  it("never moves or zooms past now", () => {
    const span = { from: now - DAY, to: now };
    expect(shift(span, 0.5, now)).toEqual({ from: String(now - DAY), to: String(now) });
    expect(shift(span, -0.5, now)).toEqual({ from: String(now - 1.5 * DAY), to: String(now - DAY / 2) });
    expect(zoomOut(span, now)).toEqual({ from: String(now - 2 * DAY), to: String(now) });
  });
});
