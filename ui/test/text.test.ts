import { describe, expect, it } from "vitest";
import type { Alert } from "../src/api/types";
import { against } from "../src/ui/text";

const alert = (state: string, value: number | null, limit: number | null) =>
  ({ state, value, limit, operator: "lt", unit: "ratio" }) as Alert;

describe("value against limit", () => {
  it("compares while the alert lasts", () => {
    expect(against(alert("firing", 0.877, 0.88))).toBe("0.877 < 0.880");
  });
  it("claims nothing that is over", () => {
    expect(against(alert("resolved", 0.912, 0.88))).toBe("0.912 (< 0.880)");
  });
  it("shows what there is", () => {
    expect(against(alert("firing", 0.877, null))).toBe("0.877");
    expect(against(alert("firing", null, 0.88))).toBe("");
  });
});
