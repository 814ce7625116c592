import { keepPreviousData, QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import type { Search } from "../lib/search";
import { DEFAULTS } from "../lib/search";
import { isRelative, REFRESH, wire } from "../lib/time";
import { ApiError, send } from "./client";
import type { Alert, Bootstrap, ModelRow, Notification, Overview, Rule } from "./types";

/** The cache of everything the server said; signedOut runs when any answer is 401. */
export function createQueryClient(signedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (e) => {
        if (e instanceof ApiError && e.status === 401) signedOut();
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (count, e) => !(e instanceof ApiError && e.status >= 400 && e.status < 500) && count < 2,
        placeholderData: keepPreviousData,
      },
    },
  });
}

/** Ten percent of jitter keeps many open pages from asking in step. */
export function interval(refresh: string | undefined, fixed: boolean): number | false {
  const ms = REFRESH[refresh ?? DEFAULTS.refresh] ?? 0;
  return ms === 0 || fixed ? false : Math.round(ms * (0.9 + 0.2 * Math.random()));
}

export const bootstrapQuery = queryOptions({
  queryKey: ["bootstrap"],
  queryFn: ({ signal }) => send<Bootstrap>("bootstrap", { signal }),
  staleTime: 60_000,
});

export function fixedRange(s: Search): boolean {
  return !isRelative(s.to ?? DEFAULTS.to);
}

export function overviewQuery(s: Search, model: string | undefined) {
  const from = s.from ?? DEFAULTS.from;
  const to = s.to ?? DEFAULTS.to;
  const cmp = s.cmp ?? DEFAULTS.cmp;
  return queryOptions({
    queryKey: ["overview", model ?? "", from, to, cmp],
    queryFn: ({ signal }) => {
      const now = Date.now();
      return send<Overview>("overview", {
        signal,
        query: { model, from: wire(from, now, "start"), to: wire(to, now, "end"), compare: cmp },
      });
    },
  });
}

export function modelsQuery(refresh?: string) {
  return queryOptions({
    queryKey: ["models"],
    queryFn: async ({ signal }) =>
      (await send<{ models: ModelRow[] | null }>("models", { signal })).models ?? [],
    refetchInterval: interval(refresh, false),
  });
}

export function alertsQuery(state: string | undefined, refresh?: string) {
  return queryOptions({
    queryKey: ["alerts", state ?? ""],
    queryFn: async ({ signal }) =>
      (await send<{ alerts: Alert[] | null }>("alerts", { signal, query: { state } })).alerts ?? [],
    refetchInterval: interval(refresh, false),
  });
}

export const rulesQuery = queryOptions({
  queryKey: ["rules"],
  queryFn: async ({ signal }) => (await send<{ rules: Rule[] | null }>("rules", { signal })).rules ?? [],
});

export function saveRule(rule: Rule): Promise<unknown> {
  return send(`rules/${encodeURIComponent(rule.name)}`, { method: "PUT", body: rule });
}

export function notificationsQuery(refresh?: string) {
  return queryOptions({
    queryKey: ["notifications"],
    queryFn: async ({ signal }) =>
      (await send<{ notifications: Notification[] | null }>("notifications", { signal })).notifications ?? [],
    refetchInterval: interval(refresh, false),
  });
}
