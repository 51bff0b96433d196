// The live stream: one connection for all tabs of the browser, none while all are hidden.
//
// Browsers allow six connections per host, so the visible tab that holds the lock listens and
// tells the others. Whoever was hidden or missed a number fetches everything anew.

import type { LiveEvent } from "./wire";
import { invalidate } from "./queries";

const NAME = "purna-live";
const QUIET_MS = 1_500; // at most one refetch per topic in this time
const REOPEN_MS = 5_000; // after a refusal, when browsers give up

const AFFECTED: Record<string, string[]> = {
  orders: ["/orders", "/summary", "/devices", "/technicians", "/parts"],
  alerts: ["/alerts", "/devices", "/summary"],
  assessments: ["/devices", "/orders", "/summary"],
};

/** True when the number does not follow the last one: something was missed in between. */
export function missed(last: number | null, next: number): boolean {
  return last !== null && next !== last + 1;
}

/** Follow the stream until the returned function is called. */
export function followLive(): () => void {
  const channel = new BroadcastChannel(NAME);
  const pending = new Map<string, number>();
  let leading: AbortController | null = null;
  let last: number | null = null;

  function take(event: LiveEvent): void {
    const gap = missed(last, event.seq);
    last = event.seq;
    later(gap ? "everything" : event.topic, gap ? ["/"] : (AFFECTED[event.topic] ?? ["/"]));
  }

  function later(topic: string, prefixes: string[]): void {
    if (pending.has(topic)) return;
    const timer = window.setTimeout(() => {
      pending.delete(topic);
      invalidate(...prefixes);
    }, QUIET_MS);
    pending.set(topic, timer);
  }

  function listen(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let source = open();
      let reopening = 0;
      function open(): EventSource {
        const opened = new EventSource("/api/v1/stream");
        opened.onmessage = (message) => {
          const event = JSON.parse(String(message.data)) as LiveEvent;
          channel.postMessage(event);
          take(event);
        };
        opened.onerror = () => {
          if (opened.readyState !== EventSource.CLOSED) return; // the browser tries again itself
          reopening = window.setTimeout(() => (source = open()), REOPEN_MS);
        };
        return opened;
      }
      signal.addEventListener("abort", () => {
        clearTimeout(reopening);
        source.close();
        resolve();
      });
    });
  }

  function onVisibility(): void {
    leading?.abort();
    leading = null;
    if (document.hidden) return;
    const { signal } = (leading = new AbortController());
    if ("locks" in navigator) {
      navigator.locks.request(NAME, { signal }, () => listen(signal)).catch(() => {});
    } else {
      void listen(signal); // plain http from another host: no locks, each tab listens itself
    }
  }

  function onReturn(): void {
    onVisibility();
    if (!document.hidden) {
      last = null;
      invalidate("/");
    }
  }

  channel.onmessage = (message) => take(message.data as LiveEvent);
  document.addEventListener("visibilitychange", onReturn);
  onVisibility();
  return () => {
    document.removeEventListener("visibilitychange", onReturn);
    leading?.abort();
    channel.close();
    pending.forEach((timer) => window.clearTimeout(timer));
  };
}
