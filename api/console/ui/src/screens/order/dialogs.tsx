// The dialogs behind an order's actions. Each asks only what the call needs.

import { useState } from "preact/hooks";
import { useQuery } from "../../api/queries";
import type { Complete, OrderDetail, Reject } from "../../api/wire";
import { localInput, toIso } from "../../format/local-input";
import { Field, FormDialog, textOf } from "../../parts/dialog";
import { useShell } from "../../shell/context";
import type { Act } from "./actions";

const OUTCOMES: readonly Complete["outcome"][] = ["confirmed", "other_component", "no_fault_found"];

interface Props {
  order: OrderDetail;
  act: Act;
  onClose: () => void;
}

export function AcceptDialog({ order, act, onClose }: Props) {
  const { texts } = useShell();
  const visit = order.kind === "visit";
  return (
    <FormDialog
      title={texts.action.acceptTitle}
      submit={texts.action.accept}
      onClose={onClose}
      onSubmit={(form) =>
        act("POST /orders/{order_id}/accept", {
          technician: textOf(form, "technician") || null,
          planned_start: changedStart(form, order),
          note: textOf(form, "note"),
        })
      }
    >
      {(problem) => (
        <>
          {visit && <p class="hint">{texts.action.acceptHint}</p>}
          {visit && <TechnicianField order={order} reason={problem?.reasonFor("technician")} />}
          {visit && (
            <Field label={texts.action.start} reason={problem?.reasonFor("planned_start")}>
              <input type="datetime-local" name="start" defaultValue={localInput(order.planned_start)} />
            </Field>
          )}
          <NoteField />
        </>
      )}
    </FormDialog>
  );
}

export function RescheduleDialog({ order, act, onClose }: Props) {
  const { texts } = useShell();
  return (
    <FormDialog
      title={texts.action.rescheduleTitle}
      submit={texts.action.reschedule}
      onClose={onClose}
      onSubmit={(form) =>
        act("POST /orders/{order_id}/reschedule", {
          technician: textOf(form, "technician") || null,
          planned_start: toIso(textOf(form, "start")) ?? "",
          note: textOf(form, "note"),
        })
      }
    >
      {(problem) => (
        <>
          <Field label={texts.action.start} reason={problem?.reasonFor("planned_start")}>
            <input type="datetime-local" name="start" required defaultValue={localInput(order.planned_start)} />
          </Field>
          <TechnicianField order={order} reason={problem?.reasonFor("technician")} />
          <NoteField />
        </>
      )}
    </FormDialog>
  );
}

export function RejectDialog({ act, onClose }: Props) {
  const { texts } = useShell();
  return (
    <FormDialog
      title={texts.action.rejectTitle}
      submit={texts.action.reject}
      danger
      onClose={onClose}
      onSubmit={(form) =>
        act("POST /orders/{order_id}/reject", {
          reason: textOf(form, "reason") as Reject["reason"],
          note: textOf(form, "note"),
        })
      }
    >
      {() => (
        <>
          <p class="hint">{texts.action.rejectHint}</p>
          <Field label={texts.action.reason}>
            <select name="reason" required>
              <option value="">{texts.action.choose}</option>
              {Object.entries(texts.rejectReason).map(([reason, text]) => (
                <option key={reason} value={reason}>{text}</option>
              ))}
            </select>
          </Field>
          <NoteField />
        </>
      )}
    </FormDialog>
  );
}

export function CompleteDialog({ order, act, onClose }: Props) {
  const { texts } = useShell();
  const [outcome, setOutcome] = useState<Complete["outcome"] | null>(null);
  const product = useQuery("GET /products", {}).answer?.items.find((p) => p.id === order.product.id);
  const others = product?.components.filter((c) => c.id !== order.component?.id) ?? [];
  return (
    <FormDialog
      title={texts.action.completeTitle}
      submit={texts.action.complete}
      onClose={onClose}
      onSubmit={(form) =>
        act("POST /orders/{order_id}/complete", {
          outcome: textOf(form, "outcome") as Complete["outcome"],
          component: textOf(form, "component") || null,
          failed: form.has("failed"),
          serial: textOf(form, "serial"),
          note: textOf(form, "note"),
        })
      }
    >
      {(problem) => (
        <>
          <p class="hint">{texts.action.completeHint}</p>
          <fieldset>
            <legend>{texts.action.outcome}</legend>
            {OUTCOMES.map((kind) => (
              <label key={kind} class="choice">
                <input
                  type="radio" name="outcome" value={kind} required
                  onChange={() => setOutcome(kind)}
                />
                {texts.outcome[kind]}
              </label>
            ))}
          </fieldset>
          {outcome === "other_component" && (
            <Field label={texts.action.component} reason={problem?.reasonFor("component")}>
              <select name="component" required>
                <option value="">{texts.action.choose}</option>
                {others.map((component) => (
                  <option key={component.id} value={component.id}>{component.name}</option>
                ))}
              </select>
            </Field>
          )}
          {outcome !== "no_fault_found" && (
            <>
              <label class="choice">
                <input type="checkbox" name="failed" /> {texts.action.failed}
              </label>
              <Field label={texts.action.serial} reason={problem?.reasonFor("serial")}>
                <input name="serial" maxLength={80} />
              </Field>
            </>
          )}
          <NoteField />
        </>
      )}
    </FormDialog>
  );
}

export function CancelDialog({ act, onClose }: Props) {
  const { texts } = useShell();
  return (
    <FormDialog
      title={texts.action.cancelTitle}
      submit={texts.action.cancel}
      danger
      onClose={onClose}
      onSubmit={(form) => act("POST /orders/{order_id}/cancel", { note: textOf(form, "note") })}
    >
      {() => (
        <Field label={texts.action.why}>
          <textarea name="note" required maxLength={2000} rows={3} />
        </Field>
      )}
    </FormDialog>
  );
}

/** Null when the suggested start was left as it is. */
function changedStart(form: FormData, order: OrderDetail): string | null {
  const start = textOf(form, "start");
  return start === localInput(order.planned_start) ? null : toIso(start);
}

function NoteField() {
  const { texts } = useShell();
  return (
    <Field label={texts.action.note}>
      <textarea name="note" maxLength={2000} rows={2} />
    </Field>
  );
}

/** Who may be sent: those with the skill first. */
function TechnicianField({ order, reason }: { order: OrderDetail; reason: string | undefined }) {
  const { texts, formats } = useShell();
  const all = useQuery("GET /technicians", {}).answer?.items ?? [];
  const able = (skills: string[]) => skills.includes(order.skill);
  const sorted = [...all].sort((a, b) => Number(able(b.skills)) - Number(able(a.skills)));
  return (
    <Field label={texts.action.technician} reason={reason}>
      <select name="technician">
        <option value="">
          {texts.action.suggested}
          {order.technician && `: ${order.technician.name}`}
        </option>
        {sorted.map((technician) => (
          <option key={technician.id} value={technician.id}>
            {[
              technician.name,
              able(technician.skills) && texts.action.hasSkill,
              texts.action.openOrders(formats.number(technician.open_orders)),
            ].filter(Boolean).join(" · ")}
          </option>
        ))}
      </select>
    </Field>
  );
}
