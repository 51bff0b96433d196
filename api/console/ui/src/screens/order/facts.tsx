import type { OrderDetail } from "../../api/wire";
import { Facts } from "../../parts/facts";
import { PartMark } from "../../parts/part-mark";
import { useShell } from "../../shell/context";

export function OrderFacts({ order }: { order: OrderDetail }) {
  const { texts, formats } = useShell();
  const { warranty, saving } = order;
  const until = formats.date(warranty.until);
  return (
    <Facts
      rows={[
        [
          texts.order.device,
          <a key="device" href={`/devices/${encodeURIComponent(order.device.id)}`}>{order.device.name}</a>,
        ],
        [texts.order.product, order.product.name],
        [texts.order.component, order.component?.name],
        [texts.order.site, order.site.name],
        [texts.order.customer, order.customer.name],
        [
          texts.order.technician,
          order.kind === "visit" && (order.technician?.name ?? texts.queue.unassigned),
        ],
        [
          texts.order.planned,
          order.kind === "visit" &&
            (order.planned_start ? formats.dateTime(order.planned_start) : texts.queue.unplanned),
        ],
        [texts.order.skill, order.kind === "visit" && order.skill],
        [texts.order.work, order.kind === "visit" && formats.hours(order.work_hours)],
        [
          texts.order.warranty,
          `${warranty.covered ? texts.queue.covered : texts.queue.notCovered}, ${
            warranty.covered ? texts.order.warrantyUntil(until) : texts.order.warrantyEnded(until)
          }`,
        ],
        [texts.order.saving, formats.money(saving.amount, saving.currency)],
        [
          texts.order.remaining,
          order.life_hours === null ? texts.queue.noTrend : formats.hours(order.life_hours),
        ],
        [texts.order.opened, formats.dateTime(order.opened_at)],
        [texts.order.due, formats.dateTime(order.due)],
        [texts.order.models, <ModelVersions key="models" models={order.models} />],
      ]}
    />
  );
}

/** Which model versions spoke, by kind. */
export function ModelVersions({ models }: { models: Record<string, string> }) {
  const { texts } = useShell();
  const names: Record<string, string> = texts.models.kind;
  return (
    <ul class="plain">
      {Object.entries(models).map(([kind, version]) => (
        <li key={kind}>
          {names[kind] ?? kind} <code>{version}</code>
        </li>
      ))}
    </ul>
  );
}

export function PartsTable({ parts }: { parts: OrderDetail["parts"] }) {
  const { texts } = useShell();
  if (!parts.length) return <p class="faint">{texts.queue.noParts}</p>;
  return (
    <ul class="plain lines">
      {parts.map((part) => (
        <li key={part.number} class="part-line">
          <span class="part-name">{part.name}</span>
          <PartMark part={part} />
        </li>
      ))}
    </ul>
  );
}

export function OutcomeFacts({ outcome }: { outcome: NonNullable<OrderDetail["outcome"]> }) {
  const { texts } = useShell();
  return (
    <Facts
      rows={[
        [texts.order.outcome, texts.outcome[outcome.kind ?? "replaced"]],
        [texts.order.component, outcome.component?.name],
        [texts.order.serial, outcome.serial],
        [texts.order.note, outcome.note],
      ]}
    />
  );
}

export function OrderHistory({ history }: { history: OrderDetail["history"] }) {
  const { formats } = useShell();
  return (
    <ol class="plain lines history">
      {history.map((entry, i) => (
        <li key={i}>
          <span class="second">
            <time dateTime={entry.ts}>{formats.dateTime(entry.ts)}</time> · {entry.actor}
          </span>
          <span class="first">{entry.text || entry.action}</span>
        </li>
      ))}
    </ol>
  );
}
