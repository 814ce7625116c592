import { headers, url } from "./client";

// Server-sent events read through fetch, so that a token can travel in a
// header instead of the address. The reader reconnects with the last id.

export interface StreamEvent {
  event: string;
  data: unknown;
}

/** Splits a stream of text into events; feed() returns the events completed by this piece. */
export function eventParser(): { feed(text: string): StreamEvent[]; lastId(): string } {
  let rest = "";
  let id = "";
  let name = "";
  let data: string[] = [];
  const line = (l: string, out: StreamEvent[]) => {
    if (l === "") {
      if (data.length > 0) out.push({ event: name || "message", data: parse(data.join("\n")) });
      name = "";
      data = [];
      return;
    }
    const at = l.indexOf(":");
    const field = at < 0 ? l : l.slice(0, at);
    const value = at < 0 ? "" : l.slice(at + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  };
  return {
    feed(text) {
      const out: StreamEvent[] = [];
      const lines = (rest + text).split(/\r\n|\n|\r/);
      rest = lines.pop() ?? "";
      for (const l of lines) line(l, out);
      return out;
    },
    lastId: () => id,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const QUIET_MS = 45_000; // three missed heartbeats
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

/** Opens the stream and keeps it open until stop() is called. */
export function openStream(on: { event(e: StreamEvent): void; live(up: boolean): void }): () => void {
  const stop = new AbortController();
  const parser = eventParser();
  let tries = 0;

  const once = async () => {
    const round = new AbortController();
    const end = () => round.abort();
    stop.signal.addEventListener("abort", end);
    let watch = setTimeout(end, QUIET_MS);
    try {
      const last = parser.lastId();
      const res = await fetch(url("events"), {
        signal: round.signal,
        credentials: "same-origin",
        headers: headers({ Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) }),
      });
      if (!res.ok || !res.body) return;
      on.live(true);
      tries = 0;
      const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(watch);
        watch = setTimeout(end, QUIET_MS);
        for (const e of parser.feed(value)) on.event(e);
      }
    } catch {
      // A broken stream is ordinary: the loop below tries again.
    } finally {
      clearTimeout(watch);
      stop.signal.removeEventListener("abort", end);
    }
  };

  const loop = async () => {
    while (!stop.signal.aborted) {
      await once();
      if (stop.signal.aborted) return;
      on.live(false);
      const wait = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]!;
      await new Promise((r) => setTimeout(r, wait));
    }
  };
  void loop();
  return () => stop.abort();
}
