import { expect, test } from "vitest";
import { contextOf, lastDays, scaled, selected, shifted } from "./range";

const DAY = 86_400_000;
const NOW = Date.parse("2026-03-01T06:00:00Z");

test("the last days begin at the same moment for a while, so nothing is fetched at every tick", () => {
  const a = lastDays(7, NOW);
  expect(lastDays(7, NOW + 1_000).from).toBe(a.from);
  expect(a.to - a.from).toBeGreaterThanOrEqual(7 * DAY);
  expect(a.to - a.from).toBeLessThan(7.2 * DAY);
});

test("a drag in either direction selects the same stretch, never the future", () => {
  expect(selected(NOW - DAY, NOW - 2 * DAY, NOW)).toEqual({ from: NOW - 2 * DAY, to: NOW - DAY });
  expect(selected(NOW - DAY, NOW + DAY, NOW).to).toBe(NOW);
});

test("a click is not a zoom to nothing", () => {
  const { from, to } = selected(NOW - DAY, NOW - DAY, NOW);
  expect(to - from).toBe(60_000);
});

test("zooming out and shifting stop at now", () => {
  const stretch = { from: NOW - 2 * DAY, to: NOW - DAY };
  expect(scaled(stretch, 2, NOW)).toEqual({ from: NOW - 2.5 * DAY, to: NOW - 0.5 * DAY });
  expect(scaled(stretch, 8, NOW).to).toBe(NOW);
  expect(shifted(stretch, -1, NOW)).toEqual({ from: NOW - 2.5 * DAY, to: NOW - 1.5 * DAY });
  expect(shifted({ from: NOW - DAY, to: NOW }, 1, NOW)).toEqual({ from: NOW - DAY, to: NOW });
});

test("evidence is shown with what was before it and what came of it", () => {
  const window = { from: NOW - 4 * DAY, to: NOW - 2 * DAY };
  expect(contextOf(window, NOW)).toEqual({ from: NOW - 5 * DAY, to: NOW });
  expect(contextOf(window, NOW - 3 * DAY).to).toBe(NOW - 2 * DAY);
});
