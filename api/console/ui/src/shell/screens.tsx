// Which screen stands at which address.

import type { ComponentChild } from "preact";
import type { Area } from "../api/rights";
import { DeviceScreen } from "../screens/device/screen";
import { FleetScreen } from "../screens/fleet/screen";
import { ModelsScreen } from "../screens/models";
import { NotFoundScreen } from "../screens/not-found";
import { OrderScreen } from "../screens/order/screen";
import { PeopleScreen } from "../screens/people/screen";
import { QuarantineScreen } from "../screens/quarantine";
import { QueueScreen } from "../screens/queue/screen";
import { matches, type Place } from "./router";

type Draw = (values: Record<string, string>, place: Place) => ComponentChild;

const SCREENS: [string, Area, Draw][] = [
  ["/", "orders", (_, place) => <QueueScreen place={place} />],
  ["/orders/:id", "orders", ({ id = "" }) => <OrderScreen key={id} id={id} />],
  ["/fleet", "fleet", (_, place) => <FleetScreen place={place} />],
  ["/devices/:id", "fleet", ({ id = "" }) => <DeviceScreen key={id} id={id} />],
  ["/models", "models", () => <ModelsScreen />],
  ["/quarantine", "quarantine", (_, place) => <QuarantineScreen place={place} />],
  ["/people", "people", () => <PeopleScreen />],
];

/** Who may not see the queue starts at the fleet. */
export function screenFor(place: Place, areas: readonly Area[]): ComponentChild {
  if ((place.path === "/" || place.path === "/setup") && !areas.includes("orders")) {
    return <FleetScreen place={{ ...place, path: "/fleet" }} />;
  }
  const path = place.path === "/setup" ? "/" : place.path;
  for (const [pattern, area, draw] of SCREENS) {
    const values = matches(pattern, path);
    if (values && areas.includes(area)) return draw(values, { ...place, path });
  }
  return <NotFoundScreen />;
}
