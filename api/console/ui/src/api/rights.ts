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

/** What some users may do in an area that more can see. */
export type Deed = "admit" | "command";

const DOERS: Record<Deed, Role[]> = {
  admit: ["firmware"],
  command: ["firmware", "reliability_engineer"],
};

/** Whether a user may register devices and give them passwords (`admit`), or send them commands. */
export function may(user: Me, deed: Deed): boolean {
  return user.roles.some((role) => role === "admin" || DOERS[deed].includes(role));
}

/** The areas open to a user, in the order of the navigation. */
export function areasOf(user: Me): Area[] {
  const areas = Object.keys(ROLES) as Area[];
  if (user.roles.includes("admin")) return areas;
  return areas.filter((area) => user.roles.some((role) => ROLES[area].includes(role)));
}
