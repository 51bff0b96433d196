// Which screens a user can use; the server decides, this only spares him closed doors.

import type { Me } from "./wire";

type Role = Me["roles"][number];
export type Area = "orders" | "fleet" | "models" | "quarantine" | "people";

const ROLES: Record<Area, Role[]> = {
  orders: ["dispatcher", "technician", "reliability_engineer"],
  fleet: ["dispatcher", "technician", "reliability_engineer", "firmware"],
  models: ["reliability_engineer"],
  quarantine: ["firmware", "reliability_engineer"],
  people: [],
};

/** The areas open to a user, in the order of the navigation. */
export function areasOf(user: Me): Area[] {
  const areas = Object.keys(ROLES) as Area[];
  if (user.roles.includes("admin")) return areas;
  return areas.filter((area) => user.roles.some((role) => ROLES[area].includes(role)));
}
