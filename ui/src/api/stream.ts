import { url } from "./client";

export const EVENTS = ["alert", "model", "heartbeat", "build"] as const;
export type EventName = (typeof EVENTS)[number];

interface Handlers {
  event(name: EventName, data: unknown): void;
  /** Whether the stream is open. */
  live(up: boolean): void;
}

const QUIET_MS = 45_000; // three missed heartbeats
const RETRY_MS = 5_000;

/**
 * Opens the server's stream of events and keeps it open until the returned
 * function is called. The browser reconnects a broken stream by itself; one
 * that it gave up, or that went quiet, is opened anew.
 */
export function openStream(on: Handlers): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(open, ms);
  };
  const open = () => {
    source?.close();
    source = new EventSource(url("events"), { withCredentials: true });
    again(QUIET_MS);
    source.onopen = () => on.live(true);
    source.onerror = () => {
      on.live(false);
      if (source?.readyState === EventSource.CLOSED) again(RETRY_MS);
    };
    for (const name of EVENTS)
      source.addEventListener(name, (e) => {
        again(QUIET_MS);
        on.event(name, parse((e as MessageEvent<string>).data));
      });
  };
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
