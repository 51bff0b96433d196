// The SLA clock of an order: how long until it is due, and how much that should worry.

const HOUR = 3_600_000;
const SOON = 8 * HOUR;

export type Urgency = "late" | "soon" | "fine";

export interface Sla {
  urgency: Urgency;
  /** Time left, or time since it was due; never negative. */
  ms: number;
}

export function slaOf(due: string, nowMs: number): Sla {
  const left = Date.parse(due) - nowMs;
  if (left < 0) return { urgency: "late", ms: -left };
  return { urgency: left < SOON ? "soon" : "fine", ms: left };
}
