import { expect, test } from "vitest";
import { address, ApiProblem } from "./client";
import { missed } from "./live";
import { areasOf } from "./rights";

test("an address has its path and query filled in and escaped", () => {
  expect(address("GET /orders/{order_id}", { path: { order_id: "a/b" } })).toBe("/orders/a%2Fb");
  const query = { q: "pump & seal", kind: null, cursor: "", limit: 50 };
  expect(address("GET /orders", { query })).toBe("/orders?q=pump+%26+seal&limit=50");
});

test("a refused field is found by its own name", () => {
  const problem = new ApiProblem({
    type: "", title: "", status: 422, detail: "No.", code: "request.invalid",
    errors: [{ field: "body.password", reason: "too short" }],
  });
  expect(problem.reasonFor("password")).toBe("too short");
  expect(problem.reasonFor("name")).toBeUndefined();
});

test("a number that does not follow the last one means that something was missed", () => {
  expect(missed(null, 7)).toBe(false);
  expect(missed(7, 8)).toBe(false);
  expect(missed(7, 9)).toBe(true);
  expect(missed(7, 1)).toBe(true);
});

test("each role sees the areas that its rights open", () => {
  const user = { id: "u", username: "u", name: "U" };
  expect(areasOf({ ...user, roles: ["dispatcher"] })).toEqual(["orders", "fleet"]);
  expect(areasOf({ ...user, roles: ["firmware"] })).toEqual(["fleet", "quarantine"]);
  expect(areasOf({ ...user, roles: ["admin"] })).toHaveLength(5);
});
