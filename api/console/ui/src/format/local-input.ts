// Between the API's times and the value of a datetime-local field, in the browser's time zone.

/** `2026-03-01T13:00`, or empty. */
export function localInput(iso: string | null): string {
  if (!iso) return "";
  const at = new Date(iso);
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The moment that such a value names, for the API; null when it is empty. */
export function toIso(local: string): string | null {
  return local ? new Date(local).toISOString() : null;
}
