import { expect, test } from "vitest";
import { timeTicks } from "./ticks";

const HOUR = 3_600_000;
const START = Date.parse("2026-02-28T18:00:00Z");

test("hours are times, midnight is its date, in the reader's language", () => {
  const splits = [START, START + 6 * HOUR, START + 12 * HOUR];
  expect(timeTicks(splits, 6 * HOUR, "en", "UTC")).toEqual(["18:00", "1 Mar", "06:00"]);
  expect(timeTicks(splits, 6 * HOUR, "id", "UTC")).toEqual(["18.00", "1 Mar", "06.00"]);
});

test("from a day on only dates are shown", () => {
  expect(timeTicks([START], 24 * HOUR, "en", "UTC")).toEqual(["28 Feb"]);
});
