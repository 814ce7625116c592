import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { openStream } from "./api/stream";

// Events say what changed; the queries that show it are asked again, at most once in this time.
const GATHER_MS = 1_000;

const TOUCHES: Record<string, string[]> = {
  alert: ["overview", "alerts", "models", "rules", "notifications"],
  model: ["overview", "models"],
};

/** Keeps the stream open; returns whether it is, and a newer build of the server when one was announced. */
export function useLive(enabled: boolean, build: string | undefined): { live: boolean; newer: boolean } {
  const client = useQueryClient();
  const [live, setLive] = useState(true);
  const [served, setServed] = useState<string>();
  useEffect(() => {
    if (!enabled) return;
    const due = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      for (const key of due) void client.invalidateQueries({ queryKey: [key] });
      due.clear();
    };
    const stop = openStream({
      live: setLive,
      event: (event, data) => {
        if (event === "build") setServed((data as { build?: string } | null)?.build);
        for (const key of TOUCHES[event] ?? []) due.add(key);
        if (due.size > 0 && timer === undefined) timer = setTimeout(flush, GATHER_MS);
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [client, enabled]);
  return { live, newer: Boolean(build && served && served !== build) };
}
