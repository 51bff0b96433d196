// Addresses and screens: history entries, links that stay in the page, filters in the query.

import { useEffect, useReducer } from "preact/hooks";

export interface Place {
  path: string;
  query: URLSearchParams;
}

export function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** Go to an address of the console; `replace` leaves no entry to come back to. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  dispatchEvent(new PopStateEvent("popstate"));
}

/** The present place; the component is drawn again when it changes. */
export function usePlace(): Place {
  const [, redraw] = useReducer((n: number, _: Event) => n + 1, 0);
  useEffect(() => {
    addEventListener("popstate", redraw);
    document.addEventListener("click", followLink);
    return () => {
      removeEventListener("popstate", redraw);
      document.removeEventListener("click", followLink);
    };
  }, []);
  return here();
}

/** The address with some query fields changed; empty ones are left out. */
export function withQuery(place: Place, changes: Record<string, string>): string {
  const query = new URLSearchParams(place.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  return query.size ? `${place.path}?${query}` : place.path;
}

/** `matches("/orders/:id", "/orders/7")` is `{ id: "7" }`. */
export function matches(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const found = path.split("/");
  if (wanted.length !== found.length) return null;
  const values: Record<string, string> = {};
  for (const [position, part] of wanted.entries()) {
    const text = found[position] ?? "";
    if (part.startsWith(":")) values[part.slice(1)] = decodeURIComponent(text);
    else if (part !== text) return null;
  }
  return values;
}

function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
  scrollTo(0, 0);
  document.getElementById("main")?.focus({ preventScroll: true });
}
