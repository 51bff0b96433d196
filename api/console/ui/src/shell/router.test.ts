import { expect, test } from "vitest";
import { nextRow } from "../parts/list-keys";
import { preferredLanguage } from "../texts";
import { matches, withQuery } from "./router";

test("a pattern gives the parts that it names", () => {
  expect(matches("/orders/:id", "/orders/ord%2F7")).toEqual({ id: "ord/7" });
  expect(matches("/orders/:id", "/orders")).toBeNull();
  expect(matches("/", "/")).toEqual({});
});

test("changing a filter keeps the others and leaves out empty ones", () => {
  const place = { path: "/", query: new URLSearchParams("state=all&kind=visit") };
  expect(withQuery(place, { kind: "", q: "pump" })).toBe("/?state=all&q=pump");
  expect(withQuery({ path: "/", query: new URLSearchParams("q=x") }, { q: "" })).toBe("/");
});

test("j and k stop at both ends of the list", () => {
  expect(nextRow(-1, 1, 3)).toBe(0);
  expect(nextRow(-1, -1, 3)).toBe(2);
  expect(nextRow(2, 1, 3)).toBe(2);
  expect(nextRow(0, -1, 3)).toBe(0);
});

test("the browser's first language that we speak is taken", () => {
  expect(preferredLanguage(["de-DE", "id-ID", "en"])).toBe("id");
  expect(preferredLanguage(["fr"])).toBe("en");
});
