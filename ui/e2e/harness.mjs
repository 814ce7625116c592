// What the browser tests and the screenshots share: the browser, the server
// and the list of views. Without --base the built dashboard is served with the
// made-up API of dev/.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { preview } from "vite";

const BROWSERS = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

export const SIZES = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
  tablet: { width: 834, height: 1112 },
  wall: { width: 2560, height: 1440 },
};

export function args() {
  const out = {};
  for (let i = 2; i < process.argv.length; i++) {
    const m = process.argv[i].match(/^--([a-z-]+)(?:=(.*))?$/);
    if (m) out[m[1]] = m[2] ?? (process.argv[i + 1]?.startsWith("--") ? "" : (process.argv[++i] ?? ""));
  }
  return out;
}

export async function launch() {
  const executablePath = BROWSERS.find((b) => b && existsSync(b));
  if (!executablePath) throw new Error("no Chromium found; install it or set CHROMIUM to its path");
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Address of the server under test and how to stop it. */
export async function serve(base) {
  if (base) return { base: base.replace(/\/+$/, ""), mock: false, stop: async () => {} };
  const server = await preview({ preview: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
  const { port } = server.httpServer.address();
  return { base: `http://127.0.0.1:${port}`, mock: true, stop: () => server.close() };
}

/** A page of its own: no storage, a size, a language and a theme by the address. */
export async function open(browser, size, options = {}) {
  const context = await browser.newContext({
    viewport: size,
    deviceScaleFactor: options.scale ?? 1,
    hasTouch: size.width <= 640,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "UTC",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  return context.newPage();
}

/** Waits until the page has its data and the charts are drawn. */
export async function settled(page) {
  await page.waitForSelector("main h1", { state: "attached", timeout: 15000 });
  await page.waitForFunction(
    () => !document.querySelector(".skeleton") && document.fonts.status === "loaded",
    null,
    { timeout: 15000 },
  );
  await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
}
