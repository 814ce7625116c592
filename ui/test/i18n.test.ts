import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { coded, i18n, words } from "../src/i18n";
import en from "../src/i18n/en.json";
import zh from "../src/i18n/zh.json";

type Tree = { [k: string]: string | Tree };

function flat(t: Tree, at = ""): Map<string, string> {
  const out = new Map<string, string>();
  for (const [k, v] of Object.entries(t))
    if (typeof v === "string") out.set(at + k, v);
    else for (const [k2, v2] of flat(v, `${at}${k}.`)) out.set(k2, v2);
  return out;
}

const english = flat(en);
const chinese = flat(zh);
const plain = (k: string) => k.replace(/_(one|other)$/, "");
const holes = (s: string) => [...s.matchAll(/{{(\w+)}}/g)].map((m) => m[1]).sort();

function sources(dir: string): string[] {
  return readdirSync(dir).flatMap((f) => {
    const p = join(dir, f);
    return statSync(p).isDirectory() ? sources(p) : /\.tsx?$/.test(f) ? [p] : [];
  });
}

describe("languages", () => {
  it("have the same keys", () => {
    expect([...new Set([...chinese.keys()].map(plain))].sort()).toEqual(
      [...new Set([...english.keys()].map(plain))].sort(),
    );
  });

  it("have the plural forms of their grammar", () => {
    for (const k of english.keys())
      if (k.endsWith("_one")) expect(english.has(k.replace(/_one$/, "_other")), k).toBe(true);
    for (const k of chinese.keys()) expect(k.endsWith("_one"), k).toBe(false);
  });

  it("fill the same places of each sentence", () => {
    for (const [k, v] of chinese) expect(holes(v), k).toEqual(holes(english.get(k) ?? ""));
  });

  it("leave no text empty or, but for names and units, untranslated", () => {
    const han = /\p{Script=Han}/u;
    const same = new Set(["models.p95", "rules.origin.api", "language.switch"]);
    for (const [k, v] of chinese) {
      const letters = /\p{L}/u.test(v.replace(/{{\w+}}/g, ""));
      if (!same.has(k) && letters) expect(han.test(v), `${k}: ${v}`).toBe(true);
    }
    for (const [k, v] of english) if (k !== "language.switch") expect(han.test(v), `${k}: ${v}`).toBe(false);
  });

  it("know every key that the code asks for", () => {
    const keys = new Set([...english.keys()].map(plain));
    for (const file of sources("src"))
      for (const m of readFileSync(file, "utf8").matchAll(/\bt\(\s*"([\w.]+)"/g))
        expect(keys.has(m[1]!), `${file}: ${m[1]}`).toBe(true);
  });

  it("translate codes of the server and fall back to its text", () => {
    expect(coded(i18n.t, "reason", { code: "too_few_samples", params: { n: 12, min: 200 } }, "x")).toBe(
      "Only 12 labels, needs 200.",
    );
    expect(coded(i18n.t, "reason", { code: "never_heard_of" }, "the server's words")).toBe(
      "the server's words",
    );
    expect(words({ en: "Recall", zh: "召回率" }, "zh")).toBe("召回率");
    expect(words({ en: "Recall" }, "zh")).toBe("Recall");
    expect(words("p95", "zh")).toBe("p95");
  });
});
