// Small labelled marks: never by colour alone, the word always stands inside.

import type { DeviceSummary, OrderSummary } from "../api/wire";
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

export function KindMark({ kind }: { kind: OrderSummary["kind"] }) {
  const { texts } = useShell();
  return (
    <span class="kind">
      <Icon name={kind} /> {texts.kind[kind]}
    </span>
  );
}
