import { describe, expect, test } from "vitest";
import { axisRange, breakGaps, extentOf, spread, strongest, zigzag } from "./data";

test("a line breaks where more than three usual steps are missing", () => {
  const { ts, values } = breakGaps([0, 10, 20, 30, 100, 110], [[1, 2, 3, 4, 5, 6]]);
  expect(ts).toEqual([0, 10, 20, 30, 40, 100, 110]);
  expect(values).toEqual([[1, 2, 3, 4, null, 5, 6]]);
});

test("three usual steps are no gap, and an empty series stays empty", () => {
  expect(breakGaps([0, 10, 20, 50], [[1, 2, 3, 4]]).ts).toEqual([0, 10, 20, 50]);
  expect(breakGaps([], [[]])).toEqual({ ts: [], values: [[]] });
});

test("the extent leaves out what is missing", () => {
  expect(extentOf([null, 3, 1, null])).toEqual({ low: 1, high: 3, last: 1 });
  expect(extentOf([null])).toBeNull();
});

test("a table has at most so many rows, the first and last among them", () => {
  expect(spread(3, 10)).toEqual([0, 1, 2]);
  const rows = spread(1000, 7);
  expect(rows).toHaveLength(7);
  expect([rows[0], rows.at(-1)]).toEqual([0, 999]);
});

describe("the value axis", () => {
  test("holds the alarm line even when all values are far below it", () => {
    const [low, high] = axisRange([[2, 3]], 7.1);
    expect(low).toBeLessThanOrEqual(2);
    expect(high).toBeGreaterThan(7.1);
  });
  test("does not go below zero for what is never negative", () => {
    expect(axisRange([[0.1, 5]], null)[0]).toBe(0);
    expect(axisRange([[-3, 5]], null)[0]).toBeLessThan(-3);
  });
  test("is not flat for a constant, nor broken for nothing", () => {
    const [low, high] = axisRange([[4, 4]], null);
    expect(high).toBeGreaterThan(low);
    expect(axisRange([[null]], null)).toEqual([0, 1]);
  });
});

test("the strongest value is found among gaps", () => {
  expect(strongest([null, 1, 5, null, 5])).toBe(2);
  expect(strongest([null, -3])).toBe(1);
  expect(strongest([])).toBe(0);
});

test("a zigzag touches the lowest and the highest of each bucket", () => {
  expect(zigzag([0, 10], [1, 2], [5, 6])).toEqual({ ts: [0, 5, 10, 15], values: [[1, 5, 2, 6]] });
  expect(zigzag([0, 10], [1, 2], [1, 2])).toEqual({ ts: [0, 10], values: [[1, 2]] });
});
