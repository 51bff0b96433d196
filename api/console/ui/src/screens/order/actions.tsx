// What may be done with an order: the buttons that the server allows, each with its dialog.

import { useState } from "preact/hooks";
import { type Call, type Input, send } from "../../api/client";
import { invalidate, remember } from "../../api/queries";
import type { OrderDetail } from "../../api/wire";
import { useShell } from "../../shell/context";
import { AcceptDialog, CancelDialog, CompleteDialog, RejectDialog, RescheduleDialog } from "./dialogs";

type Action = OrderDetail["actions"][number];
type OrderCall = Extract<Call, `POST /orders/{order_id}/${string}`>;

/** Sends the change and puts the server's answer on the screen. */
export type Act = <C extends OrderCall>(call: C, body: Input<C>["body"]) => Promise<void>;

const DIALOGS = {
  accept: AcceptDialog,
  reject: RejectDialog,
  reschedule: RescheduleDialog,
  complete: CompleteDialog,
  cancel: CancelDialog,
};

export function OrderActions({ order }: { order: OrderDetail }) {
  const { texts } = useShell();
  const [open, setOpen] = useState<Action | null>(null);
  const path = { order_id: order.id };
  const act: Act = async (call, body) => {
    const answer: OrderDetail = await send(call, { path, body } as unknown as Input<typeof call>);
    remember("GET /orders/{order_id}", { path }, answer);
    invalidate("/orders?", "/summary", "/technicians", "/parts", "/devices");
  };
  if (!order.actions.length) return null;
  const Dialog = open && DIALOGS[open];
  return (
    <div class="actions">
      {order.actions.map((action, i) => (
        <button key={action} class={i === 0 ? "primary" : undefined} onClick={() => setOpen(action)}>
          {texts.action[action]}
        </button>
      ))}
      {Dialog && <Dialog order={order} act={act} onClose={() => setOpen(null)} />}
    </div>
  );
}
