// Browser tests: npm run e2e -- [--base URL] [--token T] [--only text]
// Without --base the built dashboard runs against the made-up API of dev/.
// With it, the server must know at least one model with a day of data (leeway demo).
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { args, launch, open, SIZES, serve, settled } from "./harness.mjs";

const { base: at, token, only = "" } = args();
const { base, mock, stop } = await serve(at);
const origin = new URL(base).origin;
const browser = await launch();
const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const dictionary = (lang) =>
  JSON.parse(readFileSync(new URL(`../src/i18n/${lang}.json`, import.meta.url), "utf8"));
const en = dictionary("en");
const zh = dictionary("zh");

const faults = []; // what no page may do: foreign requests, policy violations, script errors
let injected = false; // a test that makes the server fail expects the browser to say so

/** A fresh page that reports everything it must not do. */
async function fresh(size = SIZES.desktop) {
  const page = await open(browser, size);
  page.on("request", (r) => {
    const u = new URL(r.url());
    if (/^(http|ws)/.test(u.protocol) && u.origin !== origin) faults.push(`request to ${r.url()}`);
  });
  page.on("pageerror", (e) => faults.push(`script error: ${e.message}`));
  page.on("console", (m) => {
    if (
      m.type() === "error" &&
      !(injected && /Failed to load resource/.test(m.text())) &&
      !/Cross-Origin-Opener-Policy/.test(m.text())
    )
      faults.push(`console: ${m.text()}`);
  });
  if (token) await page.request.post(`${base}/api/v1/session`, { data: { token } });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (e) =>
      window.violations.push(`${e.violatedDirective} ${e.blockedURI}`),
    );
  });
  return page;
}

async function visit(page, path, { theme = "light", lang = "en" } = {}) {
  await page.goto(`${base}${path}${path.includes("?") ? "&" : "?"}theme=${theme}&lang=${lang}`);
  await settled(page);
}

const boot = await (
  await fetch(`${base}/api/v1/bootstrap`, { headers: token ? { Authorization: `Bearer ${token}` } : {} })
).json();
const ROUTES = [
  "/",
  "/alerts",
  "/alerts?tab=rules",
  "/models",
  ...(boot.features?.inbox ? ["/inbox"] : []),
  "/login",
  "/no/such/page",
];

async function eachView(sizes, run) {
  for (const size of sizes)
    for (const theme of ["light", "dark"])
      for (const lang of ["en", "zh"]) {
        const page = await fresh(SIZES[size]);
        for (const route of ROUTES) {
          await visit(page, route, { theme, lang });
          await run(page, `${route} ${size} ${theme} ${lang}`, { lang });
        }
        await page.context().close();
      }
}

const flat = (t, p = "") =>
  Object.entries(t).flatMap(([k, v]) => (typeof v === "string" ? [[p + k, v]] : flat(v, `${p}${k}.`)));

const tests = {
  async "overview shows tiles, vitals, charts, alerts and models"() {
    const page = await fresh();
    await visit(page, "/");
    assert.ok((await page.locator(".kpi").count()) >= 1, "no quality tile");
    assert.ok((await page.locator(".vital").count()) >= 4, "fewer than four vitals");
    assert.ok((await page.locator(".kpi svg.glyph").count()) >= 1, "a tile without a mark");
    const drawn = await page.locator(".span-8 canvas").evaluate((c) => {
      const px = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
      const seen = new Set();
      for (let i = 0; i < px.length; i += 4)
        if (px[i + 3] > 200) seen.add((px[i] << 16) | (px[i + 1] << 8) | px[i + 2]);
      return seen.size;
    });
    assert.ok(drawn > 20, `the quality chart has ${drawn} colours`);
    assert.ok(await page.getByRole("heading", { name: "Current alerts" }).isVisible());
    assert.ok((await page.locator("table.models tbody tr").count()) >= 1, "no model row");
    assert.equal(await page.getByRole("main").count(), 1);
    assert.equal(await page.locator("h1").count(), 1);
    await page.context().close();
  },

  async "a drag zooms, Back undoes it, double click zooms out"() {
    const page = await fresh();
    await visit(page, "/");
    const box = await page.locator(".span-8 .u-over").boundingBox();
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.4, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, y, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=\d+&to=\d+/);
    await settled(page);
    await page.goBack();
    await page.waitForURL((u) => !u.search.includes("from="));
    await settled(page);
    const again = await page.locator(".span-8 .u-over").boundingBox();
    await page.mouse.dblclick(again.x + again.width / 2, again.y + again.height / 2);
    await page.waitForURL(/from=\d+&to=\d+/);
    const u = new URL(page.url());
    assert.ok(
      Number(u.searchParams.get("to")) - Number(u.searchParams.get("from")) > 47 * 3600e3,
      "not two days",
    );
    await page.context().close();
  },

  async "one cursor on all charts, one tooltip"() {
    const page = await fresh();
    await visit(page, "/");
    const box = await page.locator(".span-8 .u-over").boundingBox();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await page.waitForSelector(".charttip");
    assert.equal(await page.locator(".charttip").count(), 1);
    const moved = await page
      .locator(".u-cursor-x")
      .evaluateAll((l) => l.filter((e) => !e.classList.contains("u-off")).length);
    assert.equal(moved, await page.locator(".uplot").count(), "the cursor did not move in every chart");
    await page.context().close();
  },

  async "the keyboard reads a chart"() {
    const page = await fresh();
    await visit(page, "/");
    await page.locator(".span-8 .timechart-plot").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("Shift+ArrowRight");
    const said = await page.locator(".span-8 [aria-live]").textContent();
    assert.match(said, /\d\d:\d\d:\d\d\. \S/);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".charttip").count(), 0);
    await page.context().close();
  },

  async "ranges: quick, typed, refused"() {
    const page = await fresh();
    await visit(page, "/");
    await page.getByRole("button", { name: /^Time range/ }).click();
    await page.getByRole("button", { name: "Last 6 hours" }).click();
    await page.waitForURL(/from=now-6h/);
    await page.getByRole("button", { name: /^Time range/ }).click();
    await page.getByLabel("From").fill("now-2h");
    await page.getByLabel("To", { exact: true }).fill("whenever");
    assert.ok(await page.getByText("This is not a time.").isVisible());
    assert.ok(await page.getByRole("button", { name: "Apply" }).isDisabled());
    await page.getByLabel("To", { exact: true }).fill("now-1h");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.waitForURL(/from=now-2h&to=now-1h/);
    await page.context().close();
  },

  async "comparison can be switched off and the address keeps it"() {
    const page = await fresh();
    await visit(page, "/");
    await page.getByRole("button", { name: /^Compare/ }).click();
    await page.getByRole("menuitem", { name: "off" }).click();
    await page.waitForURL(/cmp=off/);
    await settled(page);
    await page.waitForFunction(() => !document.querySelector(".spark-compare"));
    await page.context().close();
  },

  async "theme and language switch in place"() {
    const page = await fresh();
    await page.goto(`${base}/?theme=light&lang=en`);
    await settled(page);
    await page.evaluate(() => {
      window.sameDocument = true;
    });
    const bg = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await bg();
    await page.getByRole("button", { name: "Switch to dark theme" }).click();
    await page.waitForFunction((b) => getComputedStyle(document.body).backgroundColor !== b, before);
    await page.getByRole("button", { name: en.language.switch }).click();
    await page.waitForFunction(() => document.documentElement.lang === "zh-CN");
    assert.ok(await page.getByRole("link", { name: zh.page.alerts }).first().isVisible());
    assert.ok(await page.evaluate(() => window.sameDocument), "the page was loaded again");
    assert.ok(!/theme=|lang=/.test(page.url()), "the override stayed in the address");
    await page.context().close();
  },

  async "no key names and no foreign language show"() {
    const key = new RegExp(`(?<![\\w.])(${Object.keys(en).join("|")})\\.[a-z][\\w.]*(?![\\w(])`);
    const chinese = new Set(flat(zh).map(([, v]) => v));
    const english = flat(en)
      .map(([, v]) => v)
      .filter(
        (v) =>
          !v.includes("{{") && v.length > 5 && / /.test(v) && !chinese.has(v) && v !== en.language.switch,
      );
    await eachView(["desktop"], async (page, name, { lang }) => {
      const text = await page.evaluate(() => {
        // What users and models named is never translated.
        for (const e of document.querySelectorAll(
          ".lane, .alertlist-main a, .list td, .inbox b, .inbox p, pre",
        ))
          e.textContent = "";
        return document.body.innerText;
      });
      assert.equal(text.match(key)?.[0], undefined, `key name on ${name}`);
      assert.equal(await page.evaluate(() => document.documentElement.lang), lang === "zh" ? "zh-CN" : "en");
      if (lang === "zh") for (const v of english) assert.ok(!text.includes(v), `English on ${name}: ${v}`);
      else assert.ok(!/\p{Script=Han}/u.test(text), `Chinese on ${name}`);
    });
  },

  async "a phone never scrolls sideways"() {
    for (const width of [390, 320])
      for (const lang of ["en", "zh"]) {
        const page = await fresh({ width, height: 844 });
        for (const route of ROUTES) {
          await visit(page, route, { lang });
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(over <= 0, `${route} ${width} ${lang}: ${over} px too wide`);
        }
        await page.context().close();
      }
  },

  async "axe finds nothing"() {
    const found = [];
    await eachView(["desktop", "phone"], async (page, name) => {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() =>
        window.axe.run(document, { resultTypes: ["violations"] }),
      );
      for (const v of violations)
        found.push(
          `${name}: ${v.id} (${v.nodes.length}) ${v.nodes[0].target.join(" ")} ${v.nodes[0].failureSummary.split("\n")[1] ?? ""}`,
        );
    });
    assert.equal(found.length, 0, found.join("\n"));
  },

  async "axe finds nothing in the open layers"() {
    const found = [];
    for (const [theme, lang] of [
      ["light", "en"],
      ["dark", "zh"],
    ]) {
      const page = await fresh();
      const words = lang === "en" ? en : zh;
      const opens = [words.range.open, words.bar.model].map((s) => new RegExp(`^${s.split("{{")[0]}`));
      for (const name of opens) {
        await visit(page, "/", { theme, lang });
        await page.getByRole("button", { name }).click();
        await page.waitForTimeout(400);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() =>
          window.axe.run(document, { resultTypes: ["violations"] }),
        );
        for (const v of violations)
          found.push(
            `${name} ${theme}: ${v.id} ${v.nodes[0].target.join(" ")} ${v.nodes[0].failureSummary.split("\n")[1] ?? ""}`,
          );
      }
      await page.context().close();
    }
    assert.equal(found.length, 0, found.join("\n"));
  },

  async "the first run turns into the overview by itself"() {
    const page = await fresh();
    let first = true;
    await page.route("**/api/v1/overview*", async (r) => {
      if (!first) return r.continue();
      const now = Date.now();
      return r.fulfill({ json: { now, from: now - 864e5, to: now, step_ms: 3e5, first_run: true } });
    });
    await visit(page, "/");
    assert.ok(await page.getByText("Waiting for the first prediction").isVisible());
    await page.getByRole("button", { name: "Python" }).click();
    await page.getByRole("button", { name: "Copy: Example program" }).click();
    // Without https there is no clipboard, and the text is selected instead.
    const copied = await page.evaluate(() => navigator.clipboard?.readText() ?? String(getSelection()));
    assert.match(copied, /urllib[\s\S]*\/api\/v1\/models\//);
    first = false;
    await page.waitForSelector(".kpi", { timeout: 8000 });
    await page.context().close();
  },

  async "a path prefix reaches pages, data and links"() {
    if (!mock) return; // the real server has one prefix, its own
    const page = await fresh();
    await visit(page, "/monitor/alerts");
    await page.waitForSelector("table.list");
    await page.getByRole("link", { name: "Models" }).click();
    await page.waitForSelector("table.models");
    assert.ok(page.url().startsWith(`${base}/monitor/models`), page.url());
    await page.getByRole("link", { name: "fraud-scorer" }).click();
    await page.waitForSelector(".kpi");
    await visit(page, "/monitor/login?next=/alerts?tab=rules");
    await page.getByLabel("Token").fill("any");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${base}/monitor/alerts?tab=rules`);
    await page.waitForSelector("table.list");
    await page.context().close();
  },

  async "odd answers are drawn without an error"() {
    const now = Date.now();
    const empty = {
      now,
      from: now - 864e5,
      to: now,
      step_ms: 3e5,
      first_run: false,
      model: { name: "x", version: "", task: "", state: "no_data" },
    };
    const time = [now - 2e6, now - 1e6, now];
    const series = (values) => [{ key: "a", title: "a", unit: "ratio", values }];
    const charts = (values) => ({
      ...empty,
      chart: { time, series: series(values) },
      system: {
        time,
        charts: [{ key: "network", series: [{ key: "b", title: "b", unit: "bytes_per_second", values }] }],
      },
    });
    for (const [name, body] of Object.entries({
      bare: empty,
      nulls: {
        ...empty,
        banner: null,
        quality: null,
        vitals: null,
        chart: null,
        alerts: null,
        drift: null,
        data_quality: null,
        system: null,
        models: null,
      },
      "only gaps": charts([null, null, null]),
      "one sample": charts([null, 1, null]),
      "all zero": charts([0, 0, 0]),
      negative: charts([-3, -2, -1]),
      huge: charts([1e15, 2e15, 3e15]),
      many: {
        ...empty,
        chart: {
          time,
          series: Array.from({ length: 200 }, (_, i) => ({ ...series([i, i, i])[0], key: `s${i}` })),
        },
      },
    })) {
      const page = await fresh();
      await page.route("**/api/v1/overview*", (r) => r.fulfill({ json: body }));
      await visit(page, "/");
      assert.equal(await page.getByText("The query failed").count(), 0, name);
      await page.context().close();
    }
  },

  async "an alert event changes badge, title and icon without a reload"() {
    const page = await fresh();
    const now = Date.now();
    const alert = {
      fingerprint: "x",
      rule: "r",
      title: { en: "New one", zh: "新告警" },
      severity: "critical",
      state: "firing",
      model: "m",
      since: now,
    };
    let list = [];
    let body = ": quiet\n\n";
    await page.route("**/api/v1/alerts*", (r) => r.fulfill({ json: { alerts: list } }));
    await page.route("**/api/v1/events", (r) =>
      r.fulfill({ contentType: "text/event-stream", body: `retry: 200\n${body}` }),
    );
    await visit(page, "/models");
    assert.equal(await page.locator(".rail .count").count(), 0);
    list = [alert];
    body = "event: alert\ndata: {}\n\n";
    await page.locator(".rail .count").waitFor({ timeout: 5000 });
    assert.match(await page.title(), /^● 1 \|/);
    assert.match(await page.locator("link[rel=icon]").getAttribute("href"), /critical/);
    await page.context().close();
  },

  async "an alert has its own address"() {
    const page = await fresh();
    await visit(page, "/");
    // An alert of the machine under the tests comes and goes with its load.
    const link = page.locator(".alertlist-main a").filter({ hasNotText: "usage" }).first();
    if ((await link.count()) === 0) return; // nothing fires on this server just now
    const title = await link.textContent();
    await link.click();
    await page.waitForURL(/\/alerts\/[^?]+/);
    await page.getByRole("heading", { level: 2, name: title }).waitFor();
    await page.reload();
    await page.getByRole("heading", { level: 2, name: title }).waitFor();
    await visit(page, "/alerts/0000");
    assert.ok(await page.getByText("no longer kept").isVisible());
    await page.context().close();
  },

  async "a rule is switched off and on"() {
    const page = await fresh();
    await visit(page, "/alerts?tab=rules");
    const off = page.getByRole("button", { name: /^Turn off: / }).first();
    const name = (await off.getAttribute("aria-label")).replace("Turn off: ", "");
    await off.click();
    await page.getByRole("button", { name: `Turn on: ${name}` }).click();
    await page.getByRole("button", { name: `Turn off: ${name}` }).waitFor();
    await page.context().close();
  },

  async "a reader without a session is led to sign-in and back, prefix and all"() {
    if (!mock && !token) return; // an open server says so in the page itself
    const page = await fresh();
    const prefix = mock ? "/monitor" : "";
    let signed = false;
    const facts = { ...boot, auth: "token" };
    await page.route("**/api/v1/bootstrap", (r) =>
      r.fulfill({ json: { ...facts, authenticated: signed, role: signed ? "read" : "none" } }),
    );
    await page.route("**/api/v1/session", (r) => {
      signed = true;
      return r.fulfill({ json: { authenticated: true } });
    });
    const asked = [];
    page.on("request", (r) => /\/api\/v1\/(?!bootstrap|session)/.test(r.url()) && asked.push(r.url()));
    await page.goto(`${base}${prefix}/alerts?tab=rules&lang=en`);
    await page.waitForURL(/\/login\?next=/);
    assert.deepEqual(asked, [], "asked for data without a session");
    await page.getByLabel("Token").fill("lw_x");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL((u) => u.pathname === `${prefix}/alerts` && u.search.includes("tab=rules"));
    await page.waitForSelector("table.list");
    assert.equal(
      await page.getByRole("button", { name: /^Turn off/ }).count(),
      0,
      "a reader is offered changes",
    );
    await page.context().close();
  },

  async "a failing server is said, and a 401 leads to sign-in and back"() {
    injected = true;
    const page = await fresh();
    const problem = (status, code) => ({
      status,
      contentType: "application/problem+json",
      body: JSON.stringify({ title: "x", status, detail: "the store is closed", code }),
    });
    await page.route("**/api/v1/models", (r) => r.fulfill(problem(500, "boom")));
    await visit(page, "/models");
    await page.getByText("The query failed: the store is closed").waitFor({ timeout: 15000 });
    await page.unroute("**/api/v1/models");
    await page.getByRole("button", { name: "Retry" }).click();
    await page.waitForSelector("table.models");
    await page.route("**/api/v1/rules", (r) => r.fulfill(problem(401, "unauthorized")));
    await page.goto(`${base}/alerts?tab=rules&lang=en`);
    await page.waitForURL(/\/login\?next=/);
    await page.unroute("**/api/v1/rules");
    if (!token) await page.route("**/api/v1/session", (r) => r.fulfill({ json: { authenticated: true } }));
    await page.getByLabel("Token").fill(token ?? "any");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(/\/alerts\?.*tab=rules/);
    await page.context().close();
    injected = false;
  },
};

let failed = 0;
const results = []; // for LEEWAY_E2E_REPORT, a file that counts them
for (const [name, run] of Object.entries(tests)) {
  if (!name.includes(only)) continue;
  const start = Date.now();
  faults.length = 0;
  try {
    await run();
    for (const page of browser.contexts().flatMap((c) => c.pages()))
      faults.push(...((await page.evaluate(() => window.violations)) ?? []));
    assert.equal(faults.length, 0, faults.join("\n"));
    results.push({ name, status: "passed" });
    console.log(`ok   ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  } catch (e) {
    failed++;
    results.push({ name, status: "failed", reason: String(e.message).split("\n")[0] });
    injected = false;
    console.log(`FAIL ${name}\n     ${String(e.message).split("\n").slice(0, 40).join("\n     ")}`);
    for (const c of browser.contexts()) await c.close();
  }
}
await browser.close();
await stop();
if (process.env.LEEWAY_E2E_REPORT)
  writeFileSync(process.env.LEEWAY_E2E_REPORT, JSON.stringify({ tests: results }));
console.log(failed === 0 ? "all passed" : `${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
