// One order: why it was opened, what was weighed, what can be done with it.

import { useQuery } from "../../api/queries";
import type { OrderDetail } from "../../api/wire";
import { KindMark, PriorityChip, StateChip } from "../../parts/chips";
import { Card } from "../../parts/facts";
import { SlaClock } from "../../parts/sla-clock";
import { Answered } from "../../parts/states";
import { useShell, useTitle } from "../../shell/context";
import { OrderActions } from "./actions";
import { Evidence } from "./evidence";
import { OrderFacts, OrderHistory, OutcomeFacts, PartsTable } from "./facts";
import { Options } from "./options";

export function OrderScreen({ id }: { id: string }) {
  const query = useQuery("GET /orders/{order_id}", { path: { order_id: id } });
  return <Answered query={query}>{(order) => <OrderPage order={order} />}</Answered>;
}

function OrderPage({ order }: { order: OrderDetail }) {
  const { texts } = useShell();
  useTitle(`${order.number} ${order.device.name}`);
  return (
    <article class="order-page">
      <p class="crumbs">
        <a href="/">{texts.order.back}</a> / {order.number}
      </p>
      <header class="page-head">
        <div>
          <p class="chips">
            <PriorityChip priority={order.priority} />
            <StateChip state={order.state} />
            <KindMark kind={order.kind} />
          </p>
          <h1>
            {order.failure_mode.name}: {order.device.name}
          </h1>
          <p class="reason">{order.reason.text}</p>
        </div>
        <div class="page-side">
          <SlaClock order={order} />
          <OrderActions order={order} />
        </div>
      </header>
      <div class="columns">
        <div class="column-main">
          {order.outcome && (
            <Card title={texts.order.outcome}>
              <OutcomeFacts outcome={order.outcome} />
            </Card>
          )}
          <Card title={texts.order.evidence}>
            <Evidence order={order} />
          </Card>
          <Card title={texts.order.options}>
            <Options options={order.options} />
          </Card>
        </div>
        <div class="column-side">
          <Card title={texts.order.facts}>
            <OrderFacts order={order} />
          </Card>
          <Card title={texts.order.parts}>
            <PartsTable parts={order.parts} />
          </Card>
          <Card title={texts.order.history}>
            <OrderHistory history={order.history} />
          </Card>
        </div>
      </div>
    </article>
  );
}
