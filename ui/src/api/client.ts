import type { Params } from "./types";

// The one place that talks to the server. Everything stays on the origin that
// served the page; the prefix comes from the block the server fills.

interface Block {
  basePath: string;
  version?: string;
  build?: string;
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

const KEY = "leeway.token";

/** The reader's token. Kept for the tab unless the reader asks to stay signed in. */
export const token = {
  get(): string | null {
    try {
      return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
    } catch {
      return null;
    }
  },
  set(value: string, stay: boolean): void {
    token.clear();
    try {
      (stay ? localStorage : sessionStorage).setItem(KEY, value);
    } catch {
      // Storage denied: the sign-in page will say that it was not kept.
    }
  },
  clear(): void {
    try {
      sessionStorage.removeItem(KEY);
      localStorage.removeItem(KEY);
    } catch {
      // Nothing was stored.
    }
  },
};

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

export function headers(extra?: Record<string, string>, as = token.get()): Record<string, string> {
  // The custom header keeps forms of other sites out of requests that change something.
  return { "X-Leeway-UI": "1", ...(as ? { Authorization: `Bearer ${as}` } : {}), ...extra };
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

export async function send<T>(
  path: string,
  init: {
    query?: Record<string, string | undefined>;
    signal?: AbortSignal;
    as?: string;
    method?: string;
    body?: unknown;
  } = {},
): Promise<T> {
  let res: Response;
  try {
    res = await fetch(url(path, init.query), {
      method: init.method ?? "GET",
      signal: init.signal,
      credentials: "same-origin",
      headers: headers(
        init.body === undefined ? { Accept: "application/json" } : { "Content-Type": "application/json" },
        init.as ?? token.get(),
      ),
      body: init.body === undefined ? undefined : JSON.stringify(init.body),
    });
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new ApiError(0, "unreachable", {}, e instanceof Error ? e.message : String(e));
  }
  if (!res.ok) throw await problem(res);
  return (res.status === 204 ? undefined : await res.json()) as T;
}
