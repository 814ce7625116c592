import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/tokens.css", "utf8");
const block = (start: string) => {
  const body = css.slice(css.indexOf(start)).split("}")[0]!;
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/gi)].map((m) => [m[1]!, m[2]!]));
};
const light = block(":root {");
const dark = { ...light, ...block(':root[data-mantine-color-scheme="dark"] {') };

const channel = (v: number) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const rgb = (hex: string) =>
  [1, 3, 5].map((i) => channel(Number.parseInt(hex.slice(i, i + 2), 16) / 255)) as [number, number, number];
const luminance = (hex: string) => {
  const [r, g, b] = rgb(hex);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: string, b: string) => {
  const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (hi + 0.05) / (lo + 0.05);
};

describe.each([
  ["light", light],
  ["dark", dark],
])("tokens, %s", (_name, t) => {
  it.each(["text", "text2", "text3", "accent", "ok-text", "warning-text", "critical-text", "silenced"])(
    "--%s reads on every surface",
    (name) => {
      for (const s of ["bg", "surface"]) expect(contrast(t[name]!, t[s]!), s).toBeGreaterThanOrEqual(4.5);
    },
  );

  it("state words read on their soft fill", () => {
    for (const s of ["ok", "warning", "critical"])
      expect(contrast(t[`${s}-text`]!, t[`${s}-soft`]!), s).toBeGreaterThanOrEqual(4.5);
    expect(contrast(t.text2!, t["critical-soft"]!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(t.accent!, t["accent-soft"]!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(t["on-accent"]!, t.accent!)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(["ok", "warning-edge", "critical", "nodata", "silenced", "border-strong"])(
    "mark --%s stands out",
    (name) => {
      expect(contrast(t[name]!, t.surface!)).toBeGreaterThanOrEqual(3);
    },
  );

  it("lines of the six series stand out, the sixth by its dash too", () => {
    for (const i of [1, 2, 3, 4, 5])
      expect(contrast(t[`s${i}`]!, t.surface!), `s${i}`).toBeGreaterThanOrEqual(3);
  });

  it("the sequential scale rises without a turn", () => {
    const l = [0, 1, 2, 3, 4, 5, 6].map((i) => luminance(t[`h${i}`]!));
    const up = l[6]! > l[0]!;
    for (let i = 1; i < 7; i++) expect(l[i]! > l[i - 1]!, `h${i}`).toBe(up);
  });
});
