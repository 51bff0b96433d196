import type { OrderSummary } from "../../api/wire";
import { KindMark, PriorityChip, StateChip } from "../../parts/chips";
import { PartMark } from "../../parts/part-mark";
import { SlaClock } from "../../parts/sla-clock";
import { useShell } from "../../shell/context";

/** One order: two lines in every cell, a card on a narrow screen. */
export function OrderRow({ order }: { order: OrderSummary }) {
  const { texts, formats } = useShell();
  const life = order.life_hours;
  return (
    <li class={`row priority-edge-${order.priority}`}>
      <div class="cell-order">
        <span class="first">
          <PriorityChip priority={order.priority} />
          {order.state !== "proposed" && <StateChip state={order.state} />}
        </span>
        <span class="second">
          <KindMark kind={order.kind} dense /> {order.number}
        </span>
      </div>
      <div class="cell-device">
        <a class="first row-link" data-row href={`/orders/${encodeURIComponent(order.id)}`}>
          {order.device.name}
        </a>
        <span class="second">{order.product.name}</span>
      </div>
      <div class="cell-site">
        <span class="first">{order.site.name}</span>
        <span class="second">{order.customer.name}</span>
      </div>
      <div class="cell-finding">
        <span class="first">{order.failure_mode.name}</span>
        <span class="second reason">{order.reason.text}</span>
      </div>
      <div class="cell-risk">
        <span class="first">
          {order.probability !== null &&
            texts.queue.within(formats.percent(order.probability), formats.hours(order.horizon_hours))}
        </span>
        <span class="second">
          {life === null ? texts.queue.noTrend : texts.queue.lifeLeft(formats.hours(life))}
        </span>
      </div>
      <div class="cell-parts">
        {order.parts.length === 0 && <span class="second">{texts.queue.noParts}</span>}
        {order.parts.map((part) => <PartMark key={part.number} part={part} />)}
      </div>
      <div class="cell-plan">
        {order.kind === "shipment" ? (
          <span class="first faint">{texts.queue.byPost}</span>
        ) : (
          <>
            <span class={order.technician ? "first" : "first faint"}>
              {order.technician?.name ?? texts.queue.unassigned}
            </span>
            <span class="second">
              {order.planned_start ? formats.dateTime(order.planned_start) : texts.queue.unplanned}
            </span>
          </>
        )}
      </div>
      <div class="cell-cover">
        <span class="first">{order.warranty.covered ? texts.queue.covered : texts.queue.notCovered}</span>
        <span class="second">
          {texts.queue.saves(formats.money(order.saving.amount, order.saving.currency))}
        </span>
      </div>
      <div class="cell-sla">
        <SlaClock order={order} />
      </div>
    </li>
  );
}
