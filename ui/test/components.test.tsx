// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { models, overview } from "../dev/data";
import { ApiError } from "../src/api/client";
import type { State, Tile } from "../src/api/types";
import { Strip } from "../src/charts/Strip";
import { Tooltip } from "../src/charts/Tooltip";
import { PrefsContext } from "../src/lib/prefs";
import { Change } from "../src/ui/Change";
import { ErrorNote } from "../src/ui/Empty";
import { alertState, Glyph } from "../src/ui/Glyph";
import { Kpi } from "../src/ui/Kpi";
import { grouped } from "../src/ui/ModelPicker";
import { Panel } from "../src/ui/Panel";

const prefs = { theme: "light", scheme: "light", lang: "en", setTheme() {}, setLang() {} } as const;
const show = (node: ReactNode) =>
  render(
    <PrefsContext value={prefs}>
      <MantineProvider>{node}</MantineProvider>
    </PrefsContext>,
  );

afterEach(cleanup);

const tile = (t: Partial<Tile>): Tile => ({
  key: "f1_score",
  title: { en: "F1 score", zh: "F1 值" },
  unit: "ratio",
  value: 0.877,
  state: "ok",
  ...t,
});

describe("states", () => {
  it("have a shape and a name each", () => {
    const states: State[] = ["ok", "warning", "critical", "no_data", "pending", "silenced"];
    const drawn = states.map((s) => {
      const { container } = show(<Glyph state={s} />);
      const svg = container.querySelector(".glyph")!;
      return [svg.innerHTML, svg.getAttribute("aria-label")] as const;
    });
    expect(new Set(drawn.map(([d]) => d)).size).toBe(states.length);
    expect(new Set(drawn.map(([, n]) => n)).size).toBe(states.length);
  });

  it("of an alert follow its life, then its severity", () => {
    expect(alertState({ state: "silenced", severity: "critical" })).toBe("silenced");
    expect(alertState({ state: "firing", severity: "critical" })).toBe("critical");
    expect(alertState({ state: "pending", severity: "critical" })).toBe("pending");
  });

  it("are told in words by a strip", () => {
    show(<Strip states={["ok", "ok", "ok", "critical"]} />);
    expect(screen.getByRole("img").getAttribute("aria-label")).toBe("Last 24 h: 75 % OK, 25 % Critical");
  });
});

describe("Kpi", () => {
  it("shows value, state word, interval and count", () => {
    show(<Kpi tile={tile({ state: "critical", change: -0.059, low: 0.868, high: 0.886, n: 12408 })} />);
    expect(screen.getByText("0.877")).toBeTruthy();
    expect(screen.getByText("Critical")).toBeTruthy();
    expect(screen.getByText("±0.009 · 12,408 labels")).toBeTruthy();
    expect(screen.getByText("down by 0.059")).toBeTruthy();
  });

  it("says why there is no value instead of showing a zero", () => {
    show(
      <Kpi tile={tile({ value: null, state: "pending", reason: { code: "labels_pending", params: {} } })} />,
    );
    expect(screen.getByText("—")).toBeTruthy();
    expect(screen.getByText("Waiting for labels.")).toBeTruthy();
  });

  it.each([
    ["falling breaks a lower limit", { change: -0.05, state: "warning", operator: "lt" }, true],
    ["rising does not", { change: 0.05, state: "warning", operator: "lt" }, false],
    ["an ok metric stays neutral", { change: -0.05, state: "ok", operator: "lt" }, false],
    [
      "inside the interval is no change",
      { change: -0.001, low: 0.8, high: 0.9, state: "critical", operator: "lt" },
      false,
    ],
  ] as const)("colours a change only where it harms: %s", (_n, p, marked) => {
    const { container } = show(<Change unit="ratio" {...p} />);
    expect(container.querySelector(".change")!.className.includes("state-")).toBe(marked);
  });

  it("survives every kind of odd value", () => {
    for (const value of [null, 0, -1, 1e12, Number.NaN])
      show(
        <Kpi
          tile={tile({
            value,
            spark: [null, value, null],
            spark_compare: [],
            n: 0,
            limits: { operator: "lt", warning: null, critical: null },
          })}
        />,
      );
    expect(screen.getAllByRole("article")).toHaveLength(5);
  });
});

function Broken(): ReactNode {
  throw new Error("no such column");
}

describe("Panel", () => {
  it("holds what its content throws", () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    show(
      <Panel title="Drift">
        <Broken />
      </Panel>,
    );
    expect(screen.getByRole("region", { name: "Drift" })).toBeTruthy();
    expect(screen.getByText("The query failed: no such column")).toBeTruthy();
    vi.restoreAllMocks();
  });

  it("translates errors by code and tells a refusal from a failure", () => {
    show(<ErrorNote error={new ApiError(404, "model_not_found", {}, "server text")} />);
    show(<ErrorNote error={new ApiError(500, "unheard", {}, "server text")} />);
    show(<ErrorNote error={new ApiError(403, "forbidden", {}, "x")} onRetry={() => {}} />);
    const said = screen.getAllByRole("alert").map((e) => e.textContent);
    expect(said).toEqual([
      "The query failed: there is no such model",
      "The query failed: server text",
      "You may not see this.",
    ]);
  });
});

describe("lists", () => {
  it("groups models worst first and finds by part of a name", () => {
    expect(grouped(models(), "").map(([s]) => s)).toEqual(["critical", "warning", "no_data", "ok"]);
    expect(grouped(models(), "NLU").flatMap(([, l]) => l.map((m) => m.name))).toEqual(["intent-nlu"]);
  });

  it("shows at most twelve rows in a tooltip and counts the rest", () => {
    const entries = Array.from({ length: 15 }, (_, i) => ({
      id: `s${i}`,
      label: `s${i}`,
      unit: "ratio",
      of: i,
      reference: false,
      values: [i],
    }));
    const { container } = show(
      <Tooltip time={0} left={10} width={500} at={0} entries={entries} cursor={false} />,
    );
    expect(container.querySelectorAll(".charttip-row")).toHaveLength(12);
    expect(screen.getByText("3 more")).toBeTruthy();
  });

  it("has made-up data that are the same on every run", () => {
    const ask = { now: 1e12, from: 1e12 - 864e5, to: 1e12, compare: "prev", model: "fraud-scorer" };
    expect(JSON.stringify(overview(ask))).toBe(JSON.stringify(overview(ask)));
  });
});
