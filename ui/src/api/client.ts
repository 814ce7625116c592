import type { Params } from "./types";

// The one place that talks to the server. Everything stays on the origin that
// served the page; the prefix comes from the block the server fills.

interface Block {
  basePath: string;
  version?: string;
  build?: string;
  auth?: string;
}

function readBlock(): Block {
  const el = typeof document === "undefined" ? null : document.getElementById("leeway-bootstrap");
  try {
    const b = JSON.parse(el?.textContent ?? "{}") as Partial<Block>;
    return { ...b, basePath: typeof b.basePath === "string" ? b.basePath.replace(/\/+$/, "") : "" };
  } catch {
    return { basePath: "" };
  }
}

export const block: Block = readBlock();

/** A failed request: the server's problem document, or what stands for it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly params: Params,
    detail: string,
  ) {
    super(detail);
    this.name = "ApiError";
  }
}

export function url(path: string, query?: Record<string, string | undefined>): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query ?? {})) if (v) q.set(k, v);
  const s = q.toString();
  return `${block.basePath}/api/v1/${path}${s ? `?${s}` : ""}`;
}

async function problem(res: Response): Promise<ApiError> {
  let body: Record<string, unknown> = {};
  try {
    body = (await res.json()) as Record<string, unknown>;
  } catch {
    // A proxy's own page: the status is all there is.
  }
  const text = (k: string) => (typeof body[k] === "string" ? (body[k] as string) : "");
  return new ApiError(
    res.status,
    text("code"),
    (body.params as Params | undefined) ?? {},
    text("detail") || text("title") || `${res.status} ${res.statusText}`,
  );
}

interface Request {
  query?: Record<string, string | undefined>;
  signal?: AbortSignal;
  method?: string;
  body?: unknown;
}

/** One request. Who asks is told by the session cookie, which no script can read. */
export async function send<T>(
  path: string,
  { query, signal, method = "GET", body }: Request = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  // The custom header keeps forms of other sites out of requests that change something.
  if (method !== "GET") headers["X-Leeway"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let res: Response;
  try {
    res = await fetch(url(path, query), {
      method,
      signal,
      credentials: "same-origin",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new ApiError(0, "unreachable", {}, e instanceof Error ? e.message : String(e));
  }
  if (!res.ok) throw await problem(res);
  return (res.status === 204 ? undefined : await res.json()) as T;
}

/** Trades a token for a session; the token itself is not kept by the page. */
export async function signIn(token: string): Promise<void> {
  await send("session", { method: "POST", body: { token } });
}

export async function signOut(): Promise<void> {
  await send("session", { method: "DELETE" });
}
