import { describe, expect, test } from "vitest";
import { formatsFor, unitSign } from "./formats";
import { localInput, toIso } from "./local-input";
import { metricTables } from "./metrics";

const en = formatsFor("en", "UTC");
const id = formatsFor("id", "UTC");
const HOUR = 3_600_000;

describe("durations show their two largest parts", () => {
  test.each([
    [0, "0 s", "0 dtk"],
    [59_000, "59 s", "59 dtk"],
    [5 * 60_000, "5 min", "5 mnt"],
    [3 * HOUR + 12 * 60_000, "3 h 12 min", "3 jam 12 mnt"],
    [52 * HOUR, "2 d 4 h", "2 hr 4 jam"],
  ])("%i ms", (ms, english, indonesian) => {
    expect(en.duration(ms)).toBe(english);
    expect(id.duration(ms)).toBe(indonesian);
  });
});

test("remaining life turns from hours to days at three days", () => {
  expect(en.hours(2.5)).toBe("2.5 h");
  expect(en.hours(71)).toBe("71 h");
  expect(en.hours(72)).toBe("3 d");
  expect(id.hours(240)).toBe("10 hr");
});

test("a probability is never rounded to certainty or to nothing", () => {
  expect(en.percent(0.004)).toBe("< 1%");
  expect(en.percent(0.996)).toBe("> 99%");
  expect(en.percent(0)).toBe("0%");
  expect(en.percent(1)).toBe("100%");
  expect(en.percent(0.874)).toBe("87%");
});

test("readings have three significant digits and the unit's sign", () => {
  expect(en.value(71.26, "degC")).toBe("71.3 °C");
  expect(id.value(3.14159, "mm/s")).toBe("3,14 mm/s");
  expect(en.value(12_345.6, "1")).toBe("12,346");
  expect(en.value(null, "bar")).toBe("–");
  expect(unitSign("m3/h")).toBe("m³/h");
});

test("times and money follow the language", () => {
  expect(en.dateTime("2026-03-01T06:05:00Z")).toBe("1 Mar, 06:05");
  expect(id.dateTime("2026-08-01T06:05:00Z")).toBe("1 Agu, 06.05");
  expect(en.money(1250.4, "EUR")).toBe("€1,250");
  expect(id.money(1_500_000, "IDR")).toMatch(/Rp\s?1\.500\.000/);
});

test("a local time goes to the server and back unchanged", () => {
  const iso = "2026-03-01T06:05:00.000Z";
  expect(toIso(localInput(iso))).toBe(iso);
  expect(localInput(null)).toBe("");
  expect(toIso("")).toBeNull();
});

test("metrics of the same kind stand in one table, by component and horizon", () => {
  const metrics = {
    "bearing@24": { brier: 0.1, recall: 0.5 },
    "fan_filter@168": { brier: 0.2, recall: 0.7, note: "text" },
    mae_hours: 80,
    odd: null,
  };
  expect(metricTables(metrics)).toEqual([
    { columns: ["mae hours"], rows: [{ name: "", cells: [80] }] },
    {
      columns: ["brier", "recall"],
      rows: [
        { name: "bearing, 24 h", cells: [0.1, 0.5] },
        { name: "fan filter, 168 h", cells: [0.2, 0.7] },
      ],
    },
  ]);
});
