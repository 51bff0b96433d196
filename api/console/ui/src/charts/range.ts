// The stretch of time that charts show: live (up to now) or fixed. All in milliseconds.

export interface Stretch {
  from: number;
  to: number;
}

const DAY = 86_400_000;
const SHORTEST = 60_000;

/** The last `days`, beginning on a coarse grid so that it does not change with every tick. */
export function lastDays(days: number, now: number): Stretch {
  const span = days * DAY;
  const grid = span / 50;
  return { from: Math.floor((now - span) / grid) * grid, to: now };
}

/** What a drag selected: in order, not shorter than a minute, not in the future. */
export function selected(a: number, b: number, now: number): Stretch {
  const from = Math.min(a, b);
  const to = Math.min(Math.max(a, b), now);
  return to - from >= SHORTEST ? { from, to } : around((from + to) / 2, SHORTEST, now);
}

/** Twice as long, or half as long with factor 0.5, around the same middle. */
export function scaled({ from, to }: Stretch, factor: number, now: number): Stretch {
  return around((from + to) / 2, Math.max(SHORTEST, (to - from) * factor), now);
}

/** Half a screen earlier (-1) or later (1). */
export function shifted({ from, to }: Stretch, direction: -1 | 1, now: number): Stretch {
  const span = to - from;
  return around((from + to) / 2 + (direction * span) / 2, span, now);
}

/** Room around a window: what was normal before, and what came of it until `end`. */
export function contextOf(window: Stretch, end: number): Stretch {
  const span = Math.max(window.to - window.from, 6 * 3_600_000);
  return { from: window.from - span / 2, to: Math.max(window.to, end) };
}

function around(middle: number, span: number, now: number): Stretch {
  const to = Math.min(middle + span / 2, now);
  return { from: to - span, to };
}
