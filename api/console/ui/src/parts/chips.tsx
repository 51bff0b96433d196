// Small labelled marks: never by colour alone, the word always stands inside.

import type { DeviceSummary, OrderSummary, WaveformSummary } from "../api/wire";
import { useShell } from "../shell/context";
import { Icon } from "./icon";

export function PriorityChip({ priority }: { priority: OrderSummary["priority"] }) {
  const { texts } = useShell();
  return <span class={`chip priority-${priority}`}>{texts.priority[priority]}</span>;
}

export function StateChip({ state }: { state: OrderSummary["state"] }) {
  const { texts } = useShell();
  return <span class={`chip state-${state}`}>{texts.state[state]}</span>;
}

export function HealthChip({ health }: { health: DeviceSummary["health"] }) {
  const { texts } = useShell();
  return <span class={`chip health-${health}`}>{texts.health[health]}</span>;
}

/** Evaluation zone of ISO 20816-3. */
export function ZoneChip({ zone }: { zone: NonNullable<WaveformSummary["zone"]> }) {
  const { texts } = useShell();
  return (
    <span class={`chip zone-${zone}`} title={texts.vibration.zones[zone]}>
      {texts.vibration.zone(zone)}
    </span>
  );
}

/** Visit or shipment; in a dense list the icon alone, with the word for those who listen. */
export function KindMark({ kind, dense = false }: { kind: OrderSummary["kind"]; dense?: boolean }) {
  const { texts } = useShell();
  return (
    <span class="kind" title={texts.kind[kind]}>
      <Icon name={kind} /> <span class={dense ? "unseen" : undefined}>{texts.kind[kind]}</span>
    </span>
  );
}
