// Commands to a device, and what becomes of each.

import { useEffect, useState } from "preact/hooks";
import { send } from "../../api/client";
import { invalidate, useQuery } from "../../api/queries";
import { may } from "../../api/rights";
import type { CommandEntry } from "../../api/wire";
import { Card } from "../../parts/facts";
import { Field, FormDialog, textOf } from "../../parts/dialog";
import { Answered } from "../../parts/states";
import { useShell, useUser } from "../../shell/context";

const SHOWN = 8;
const LOOK_MS = 1_000;
const OPEN: readonly CommandEntry["state"][] = ["queued", "sent", "delivered"];

export function Commands({ device }: { device: string }) {
  const { texts } = useShell();
  const user = useUser();
  const [sending, setSending] = useState(false);
  const query = useQuery("GET /devices/{device_id}/commands", {
    path: { device_id: device },
    query: { limit: SHOWN },
  });
  const open = query.answer?.items.some((command) => OPEN.includes(command.state)) ?? false;
  useEffect(() => {
    if (!open) return;
    const timer = setInterval(query.reload, LOOK_MS);
    return () => clearInterval(timer);
  }, [open, device]);
  return (
    <Card title={texts.command.title}>
      <Answered query={query}>
        {({ items }) =>
          items.length ? (
            <ul class="plain lines" aria-label={texts.command.title}>
              {items.map((command) => <CommandLine key={command.id} command={command} />)}
            </ul>
          ) : (
            <p class="faint">{texts.command.none}</p>
          )
        }
      </Answered>
      {may(user, "command") && (
        <p class="after">
          <button onClick={() => setSending(true)}>{texts.command.send}</button>
        </p>
      )}
      {sending && <SendDialog device={device} onClose={() => setSending(false)} />}
    </Card>
  );
}

function CommandLine({ command }: { command: CommandEntry }) {
  const { texts, formats } = useShell();
  const { state, attempts } = command;
  const given = Object.keys(command.arguments).length > 0;
  return (
    <li>
      <span class="first between">
        <code>{command.name}</code>
        <span class={`chip command-${state}`} title={texts.command.meaning[state]}>
          {texts.command.state[state]}
        </span>
      </span>
      {given && <code class="second">{JSON.stringify(command.arguments)}</code>}
      {command.text && <span class="second">{command.text}</span>}
      <span class="second">
        {command.created_by} · {formats.dateTime(command.created_at)}
        {attempts > 1 && ` · ${texts.command.attempts(formats.number(attempts))}`}
      </span>
    </li>
  );
}

function SendDialog({ device, onClose }: { device: string; onClose: () => void }) {
  const { texts } = useShell();
  return (
    <FormDialog
      title={texts.command.sendTitle(device)}
      submit={texts.command.send}
      onClose={onClose}
      onSubmit={async (form) => {
        await send("POST /devices/{device_id}/commands", {
          path: { device_id: device },
          body: {
            name: textOf(form, "name"),
            arguments: parsed(textOf(form, "arguments")) ?? {},
            ttl_seconds: Number(textOf(form, "ttl")) * 60,
            timeout_seconds: Number(textOf(form, "timeout")),
            retries: Number(textOf(form, "retries")),
          },
        });
        invalidate(`/devices/${encodeURIComponent(device)}/commands`);
      }}
    >
      {(problem) => (
        <>
          <p class="hint">{texts.command.sendHint}</p>
          <Field label={texts.command.name} reason={problem?.reasonFor("name")}>
            <input
              name="name" required pattern="[A-Za-z0-9_.\-]{1,64}" placeholder="sample.faster"
              autocomplete="off" spellcheck={false}
            />
          </Field>
          <Field label={texts.command.arguments} reason={problem?.reasonFor("arguments")}>
            <textarea
              name="arguments" rows={3} placeholder='{"seconds": 60}' spellcheck={false}
              onInput={(event) => {
                const { value } = event.currentTarget;
                event.currentTarget.setCustomValidity(
                  value.trim() === "" || parsed(value) ? "" : texts.command.notJson,
                );
              }}
            />
          </Field>
          <Field label={texts.command.ttl} reason={problem?.reasonFor("ttl_seconds")}>
            <input type="number" name="ttl" required min={1} max={43200} defaultValue="5" />
          </Field>
          <Field label={texts.command.timeout} reason={problem?.reasonFor("timeout_seconds")}>
            <input type="number" name="timeout" required min={1} max={86400} defaultValue="30" />
          </Field>
          <Field label={texts.command.retries} reason={problem?.reasonFor("retries")}>
            <input type="number" name="retries" required min={0} max={10} defaultValue="2" />
          </Field>
        </>
      )}
    </FormDialog>
  );
}

/** The object that a text is in JSON, or nothing. */
function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
