// Screenshots of the pages for looking at: npm run shots -- [--base URL] [--only text] [--out folder]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { args, launch, open, SIZES, serve, settled } from "./harness.mjs";

const { base: at, only = "", out = fileURLToPath(new URL("out", import.meta.url)) } = args();
mkdirSync(out, { recursive: true });
const { base, stop } = await serve(at);
const browser = await launch();
try {
  for (const [size, view] of Object.entries(SIZES))
    for (const theme of ["light", "dark"])
      for (const lang of ["en", "zh"])
        for (const route of ["", "alerts", "models", "inbox"]) {
          const name = `${route || "overview"}-${size}-${theme}-${lang}`;
          if (!name.includes(only)) continue;
          const page = await open(browser, view);
          page.on("console", (m) => m.type() === "error" && console.log(name, m.text()));
          page.on("pageerror", (e) => console.log(name, e.message));
          await page.goto(`${base}/${route}?theme=${theme}&lang=${lang}`);
          await settled(page);
          await page.waitForTimeout(200);
          await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
          await page.context().close();
        }
} finally {
  await browser.close();
  await stop();
}
process.exit(0);
