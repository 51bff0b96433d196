// Answers of the API, kept while they are looked at: shown at once, then fetched anew.

import { useEffect, useReducer, useRef } from "preact/hooks";
import { type Answer, type Call, type Input, address, send } from "./client";

interface Entry {
  answer?: unknown;
  error?: unknown;
  fetchedAt: number;
  running?: AbortController | undefined;
  listeners: Set<() => void>;
  fetch: (signal: AbortSignal) => Promise<unknown>;
}

export interface Query<T> {
  answer: T | undefined;
  /** Of the newest attempt; an older answer may still be shown beside it. */
  error: unknown;
  loading: boolean;
  reload: () => void;
}

const KEPT = 120;
const FRESH_MS = 1_000;
const entries = new Map<string, Entry>();

/** The answer to a GET call; `null` asks nothing. It changes when the answer changes. */
export function useQuery<C extends Call & `GET ${string}`>(
  call: C,
  input: Input<C> | null,
): Query<Answer<C>> {
  const [, redraw] = useReducer((n: number, _: void) => n + 1, 0);
  const key = input === null ? null : address(call, input);
  const latest = useRef(input);
  latest.current = input;
  useEffect(() => {
    if (key === null || latest.current === null) return;
    const asked = latest.current;
    const entry = entryOf(key, (signal) => send(call, asked, signal));
    const listener = () => redraw(undefined);
    entry.listeners.add(listener);
    if (Date.now() - entry.fetchedAt > FRESH_MS) void refresh(entry);
    return () => {
      entry.listeners.delete(listener);
    };
  }, [key]);
  const entry = key === null ? undefined : entries.get(key);
  return {
    answer: entry?.answer as Answer<C> | undefined,
    error: entry?.error,
    loading: key !== null && (entry === undefined || (entry.answer === undefined && !entry.error)),
    reload: () => entry && void refresh(entry),
  };
}

/** Fetch anew what is on screen and begins so; forget the rest of it. */
export function invalidate(...prefixes: string[]): void {
  for (const [key, entry] of entries) {
    if (!prefixes.some((prefix) => key.startsWith(prefix))) continue;
    if (entry.listeners.size) void refresh(entry);
    else entries.delete(key);
  }
}

/** Another user or another language: nothing that was fetched holds any more. */
export function forgetAll(): void {
  invalidate("/");
}

/** Put the server's answer to a change where the next look finds it. */
export function remember<C extends Call & `GET ${string}`>(
  call: C,
  input: Input<C>,
  answer: Answer<C>,
): void {
  const entry = entries.get(address(call, input));
  if (!entry) return;
  entry.running?.abort();
  Object.assign(entry, { answer, error: undefined, fetchedAt: Date.now(), running: undefined });
  for (const listener of entry.listeners) listener();
}

function entryOf(key: string, fetch: Entry["fetch"]): Entry {
  let entry = entries.get(key);
  if (!entry) {
    for (const [old, { listeners }] of entries) {
      if (entries.size < KEPT) break;
      if (!listeners.size) entries.delete(old);
    }
    entry = { fetchedAt: 0, listeners: new Set(), fetch };
    entries.set(key, entry);
  }
  return entry;
}

async function refresh(entry: Entry): Promise<void> {
  entry.running?.abort();
  const running = (entry.running = new AbortController());
  try {
    const answer = await entry.fetch(running.signal);
    if (entry.running !== running) return;
    Object.assign(entry, { answer, error: undefined, fetchedAt: Date.now() });
  } catch (error) {
    if (entry.running !== running) return;
    entry.error = error;
  }
  entry.running = undefined;
  for (const listener of entry.listeners) listener();
}
