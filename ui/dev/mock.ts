import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import { parseTime } from "../src/lib/time.ts";
import * as data from "./data.ts";

// Serves the made-up API inside the development and the preview server, with
// the security headers of the real one, so that a violation shows up here.

export const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'";

/** Rules that were switched since the server started. */
const switched = new Set<string>();

function answer(url: URL, now: number): unknown {
  const q = (k: string) => url.searchParams.get(k) ?? "";
  switch (url.pathname.replace(/^\/api\/v1\//, "")) {
    case "bootstrap":
      return {
        version: "0.1.0",
        build: "mock",
        auth: "open",
        authenticated: true,
        role: "admin",
        demo: true,
        features: { inbox: true },
        locales: ["en", "zh"],
        now,
      };
    case "overview": {
      const from = parseTime(q("from"), now) ?? now - 86_400_000;
      const to = parseTime(q("to"), now) ?? now;
      const model = q("model") || "fraud-scorer";
      if (!data.models().some((m) => m.name === model)) return undefined;
      return data.overview({ now, from, to, compare: q("compare") || "prev", model });
    }
    case "models":
      return { models: data.models() };
    case "alerts": {
      const all = data.alerts(now);
      const state = q("state");
      return {
        alerts: all.filter(
          (a) => !state || a.state === state || (state === "firing" && a.state === "silenced"),
        ),
      };
    }
    case "rules":
      return { rules: data.rules().map((r) => (switched.has(r.name) ? { ...r, enabled: !r.enabled } : r)) };
    case "notifications":
      return { notifications: data.notifications(now) };
    default:
      return undefined;
  }
}

function events(res: ServerResponse): void {
  res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  let id = 0;
  const say = (event: string, body: unknown) =>
    res.write(`id: ${++id}\nevent: ${event}\ndata: ${JSON.stringify(body)}\n\n`);
  say("build", { build: "mock" });
  const beat = setInterval(() => say("heartbeat", { now: Date.now() }), 15_000);
  res.on("close", () => clearInterval(beat));
}

/** A proxy in front of the server may add this; the page must work below it. */
export const PREFIX = "/monitor";

function handle(req: IncomingMessage, res: ServerResponse, next: Connect.NextFunction): void {
  const url = new URL(req.url ?? "/", "http://mock");
  if (url.pathname.startsWith(`${PREFIX}/`)) {
    url.pathname = url.pathname.slice(PREFIX.length);
    req.url = url.pathname + url.search;
  }
  if (!url.pathname.startsWith("/api/")) {
    next();
    return;
  }
  if (url.pathname === "/api/v1/events") {
    events(res);
    return;
  }
  if (url.pathname === "/api/v1/session") {
    res.writeHead(req.method === "DELETE" ? 204 : 200, { "Content-Type": "application/json" });
    res.end(
      req.method === "DELETE"
        ? undefined
        : JSON.stringify({ authenticated: true, open: true, role: "admin" }),
    );
    return;
  }
  const rule = url.pathname.match(/^\/api\/v1\/rules\/([\w-]+)$/)?.[1];
  if (rule && req.method === "PUT") {
    if (!switched.delete(rule)) switched.add(rule);
    res.writeHead(200, { "Content-Type": "application/json" });
    res.end("{}");
    return;
  }
  const body = answer(url, Math.floor(Date.now() / 60_000) * 60_000);
  if (body === undefined) {
    res.writeHead(404, { "Content-Type": "application/problem+json" });
    res.end(
      JSON.stringify({
        type: "about:blank",
        title: "Not Found",
        status: 404,
        detail: "nothing here",
        code: "not_found",
      }),
    );
    return;
  }
  res.writeHead(200, { "Content-Type": "application/json" });
  res.end(JSON.stringify(body));
}

/** Every page is index.html with the prefix filled in, as the real server does it. */
function page(dist: string) {
  return (req: IncomingMessage, res: ServerResponse, next: Connect.NextFunction): void => {
    if (!(req.headers.accept ?? "").includes("text/html")) {
      next();
      return;
    }
    const base = (req.url ?? "").startsWith(`${PREFIX}/`) ? PREFIX : "";
    const html = readFileSync(`${dist}/index.html`, "utf8")
      .replaceAll("./assets/", `${base}/assets/`)
      .replace('{"basePath":""}', JSON.stringify({ basePath: base }));
    res.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
    res.end(html);
  };
}

export function mockApi(): Plugin {
  return {
    name: "leeway-mock-api",
    configureServer(server) {
      server.middlewares.use(handle);
    },
    configurePreviewServer(server) {
      server.middlewares.use((_req, res, next) => {
        res.setHeader("Content-Security-Policy", CSP);
        next();
      });
      server.middlewares.use(page(server.config.build.outDir));
      server.middlewares.use(handle);
    },
  };
}
