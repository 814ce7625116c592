import type uPlot from "uplot";
import { type Look, REF_DASH } from "./style";

// What is drawn on the canvas beside the lines themselves. All lengths are
// multiplied by the device's pixel ratio, as uPlot's own are.

export interface LimitLine {
  level: "warning" | "critical";
  value: number;
  text: string;
}

function pr(u: uPlot): number {
  return u.width > 0 ? u.ctx.canvas.width / u.width : 1;
}

/** Hatches the part of the range whose labels are still arriving. */
export function paintPending(u: uPlot, look: Look, from: number, caption: string): void {
  const k = pr(u);
  const { left, top, width, height } = u.bbox;
  const x = Math.max(left, u.valToPos(from, "x", true));
  const w = left + width - x;
  if (w <= 1) return;
  const { ctx } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, top, w, height);
  ctx.clip();
  ctx.strokeStyle = look.hatch;
  ctx.lineWidth = 2.5 * k;
  ctx.beginPath();
  const step = 8 * k;
  for (let s = x - height; s < x + w; s += step) {
    ctx.moveTo(s, top + height);
    ctx.lineTo(s + height, top);
  }
  ctx.stroke();
  ctx.font = `${11 * k}px ${look.font}`;
  const tw = ctx.measureText(caption).width;
  if (tw + 12 * k <= w) {
    const right = left + width - 6 * k;
    ctx.fillStyle = look.surface;
    ctx.fillRect(right - tw - 8 * k, top + 2 * k, tw + 10 * k, 18 * k);
    ctx.fillStyle = look.text3;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillText(caption, right - 3 * k, top + 11 * k);
  }
  ctx.restore();
}

/** Limits with their text on a plate; one outside the scale is an arrow at the edge. */
export function paintLimits(u: uPlot, look: Look, limits: LimitLine[]): void {
  const k = pr(u);
  const { left, top, width, height } = u.bbox;
  const { ctx } = u;
  const { min, max } = u.scales.y ?? {};
  if (typeof min !== "number" || typeof max !== "number") return;
  ctx.save();
  ctx.font = `600 ${11 * k}px ${look.font}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const taken: number[] = [];
  for (const l of limits) {
    const out = l.value > max ? 1 : l.value < min ? -1 : 0;
    const colour = l.level === "critical" ? look.critical : look.warning;
    let y = out > 0 ? top + 9 * k : out < 0 ? top + height - 9 * k : u.valToPos(l.value, "y", true);
    if (out === 0) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = 1.4 * k;
      ctx.setLineDash((l.level === "critical" ? [10, 4] : [2, 3]).map((d) => d * k));
      ctx.beginPath();
      ctx.moveTo(left, y);
      ctx.lineTo(left + width, y);
      ctx.stroke();
    }
    const text = out > 0 ? `↑ ${l.text}` : out < 0 ? `↓ ${l.text}` : l.text;
    while (taken.some((t) => Math.abs(t - y) < 15 * k)) y += (out < 0 ? -1 : 1) * 15 * k;
    taken.push(y);
    const w = ctx.measureText(text).width;
    ctx.fillStyle = look.surface;
    ctx.fillRect(left + 8 * k, y - 8 * k, w + 10 * k, 16 * k);
    ctx.fillStyle = l.level === "critical" ? look.criticalText : look.warning;
    ctx.fillText(text, left + 13 * k, y + 0.5 * k);
  }
  ctx.restore();
}

/** A thin dotted line in every chart of the page at each deployment. */
export function paintDeployments(u: uPlot, look: Look, times: number[]): void {
  const k = pr(u);
  const { left, top, width, height } = u.bbox;
  const { ctx } = u;
  ctx.save();
  ctx.strokeStyle = look.text3;
  ctx.lineWidth = k;
  ctx.setLineDash([1.5 * k, 2.5 * k]);
  for (const t of times) {
    const x = u.valToPos(t, "x", true);
    if (x < left || x > left + width) continue;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
  }
  ctx.restore();
}

export { REF_DASH };
