// The browser tests twice: on the made-up API of dev/, where every state can be
// had, and on a real `leeway demo` (LEEWAY_BIN, else ../bin/leeway). The counts of
// both go to LEEWAY_E2E_REPORT.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = import.meta.dirname;
const work = mkdtempSync(join(tmpdir(), "leeway-e2e-"));
const tests = [];

/** Runs the tests in a process of their own and keeps what they report. */
async function run(kind, args) {
  const report = join(work, `${kind}.json`);
  const child = spawn(process.execPath, [join(here, "run.mjs"), ...args], {
    stdio: "inherit",
    env: { ...process.env, LEEWAY_E2E_REPORT: report },
  });
  await new Promise((done) => child.on("exit", done));
  let found = [{ name: "all", status: "failed", reason: "the run left no report" }];
  try {
    found = JSON.parse(readFileSync(report, "utf8")).tests;
  } catch {}
  tests.push(...found.map((t) => ({ ...t, name: `${kind}: ${t.name}` })));
}

/** A demo server on a free port, once its history is filled and live rows come. */
async function demo() {
  const bin = process.env.LEEWAY_BIN ?? join(here, "../../bin/leeway");
  const args = ["demo", "--listen", "127.0.0.1:0", "--data", join(work, "data")];
  const child = spawn(bin, args, { stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.on("data", (d) => (said.out += d));
  child.stderr.on("data", (d) => (said.err += d));
  const deadline = Date.now() + 120_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const base = /dashboard +(http:\S+)/.exec(said.out)?.[1];
    if (base && said.err.includes("live traffic begins")) return { base, child };
    await new Promise((done) => setTimeout(done, 200));
  }
  child.kill("SIGKILL");
  throw new Error(`the demo did not come up:\n${said.out}\n${said.err.split("\n").slice(-20).join("\n")}`);
}

await run("made-up", process.argv.slice(2));
try {
  const { base, child } = await demo();
  await run("real", ["--base", base, ...process.argv.slice(2)]);
  const ended = new Promise((done) => child.on("exit", done));
  child.kill("SIGTERM");
  await ended;
} catch (e) {
  console.log(`FAIL real\n     ${e.message}`);
  tests.push({ name: "real: demo", status: "failed", reason: e.message.split("\n")[0] });
}
rmSync(work, { recursive: true, force: true });
if (process.env.LEEWAY_E2E_REPORT) writeFileSync(process.env.LEEWAY_E2E_REPORT, JSON.stringify({ tests }));
const failed = tests.filter((t) => t.status === "failed").length;
console.log(`${tests.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
