import { expect, test } from "vitest";
import { platformNow } from "./clock";
import { slaOf } from "./sla";

const DUE = "2026-03-02T00:00:00Z";
const at = (iso: string) => slaOf(DUE, Date.parse(iso));

test("an order is fine, then due soon, then late", () => {
  expect(at("2026-03-01T00:00:00Z")).toEqual({ urgency: "fine", ms: 86_400_000 });
  expect(at("2026-03-01T16:00:01Z").urgency).toBe("soon");
  expect(at("2026-03-02T00:00:00Z")).toEqual({ urgency: "soon", ms: 0 });
  expect(at("2026-03-02T01:00:00Z")).toEqual({ urgency: "late", ms: 3_600_000 });
});

test("platform time runs on from the server's at its speed", () => {
  const clock = { serverMs: 1_000_000, speed: 720, readAt: 500 };
  expect(platformNow(clock, 500)).toBe(1_000_000);
  expect(platformNow(clock, 1_500)).toBe(1_000_000 + 720_000);
});
