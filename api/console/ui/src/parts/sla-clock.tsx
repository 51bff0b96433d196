import type { OrderSummary } from "../api/wire";
import { slaOf } from "../format/sla";
import { useNow, useShell } from "../shell/context";

const CLOSED: readonly OrderSummary["state"][] = ["completed", "rejected", "cancelled"];

export function isClosed(order: Pick<OrderSummary, "state">): boolean {
  return CLOSED.includes(order.state);
}

/** Time left until the order is due, ticking; the due time alone once the order is closed. */
export function SlaClock({ order }: { order: Pick<OrderSummary, "due" | "state"> }) {
  const { texts, formats } = useShell();
  const now = useNow();
  const due = <span class="second">{texts.queue.due(formats.dateTime(order.due))}</span>;
  if (isClosed(order)) return <span class="sla">{due}</span>;
  const { urgency, ms } = slaOf(order.due, now);
  const say = urgency === "late" ? texts.queue.late : texts.queue.left;
  return (
    <span class={`sla sla-${urgency}`}>
      <strong>{say(formats.duration(ms))}</strong>
      {due}
    </span>
  );
}
