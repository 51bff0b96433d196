// How a device proves who it is, what of it did not come, and how it is given or refused access.

import { useRef, useState } from "preact/hooks";
import { send } from "../../api/client";
import { invalidate, useQuery } from "../../api/queries";
import { may } from "../../api/rights";
import type { CredentialState, DeviceCredential, DeviceDetail } from "../../api/wire";
import { Card, Facts } from "../../parts/facts";
import { FormDialog } from "../../parts/dialog";
import { Answered } from "../../parts/states";
import { useShell, useUser } from "../../shell/context";
import { LastSeen } from "../fleet/screen";
import { CredentialDialog } from "./credential-dialog";

const GAPS_SHOWN = 5;

export function Connection({ device }: { device: DeviceDetail }) {
  const { texts } = useShell();
  const user = useUser();
  const path = { device_id: device.id };
  const query = useQuery("GET /devices/{device_id}/credential", { path });
  const [open, setOpen] = useState<"secret" | "revoke" | null>(null);
  const close = () => setOpen(null);
  return (
    <Card title={texts.connection.title}>
      <Answered query={query}>
        {(credential) => <CredentialFacts device={device} credential={credential} />}
      </Answered>
      <Gaps device={device.id} />
      {may(user, "admit") && (
        <p class="after inline">
          <button onClick={() => setOpen("secret")}>{texts.connection.newSecret}</button>
          <button class="danger" onClick={() => setOpen("revoke")}>{texts.connection.revoke}</button>
        </p>
      )}
      {open === "secret" && <SecretDialog device={device.id} onClose={close} />}
      {open === "revoke" && (
        <FormDialog
          title={texts.connection.revokeTitle(device.id)}
          submit={texts.connection.revoke}
          danger
          onClose={close}
          onSubmit={async () => {
            await send("POST /devices/{device_id}/revoke", { path });
            invalidate("/devices");
          }}
        >
          {() => <p>{texts.connection.revokeText}</p>}
        </FormDialog>
      )}
    </Card>
  );
}

function CredentialFacts(props: { device: DeviceDetail; credential: CredentialState }) {
  const { texts, formats } = useShell();
  const { password, issued_at: issued, revoked_at: revoked, certificates } = props.credential;
  const valid = certificates.filter((certificate) => certificate.revoked_at === null);
  const gateway = props.device.attributes["gateway"];
  const out = !password && !valid.length && revoked !== null;
  return (
    <Facts
      rows={[
        [texts.device.seen, <LastSeen key="s" device={props.device} />],
        [
          texts.connection.password,
          password ? (
            issued ? texts.device.since(formats.dateTime(issued)) : texts.common.yes
          ) : (
            <span class="faint">{texts.common.none}</span>
          ),
        ],
        [
          texts.connection.certificates,
          valid.length > 0 &&
            valid.map((one) => (
              <span class="first" key={one.fingerprint} title={one.fingerprint}>
                <code>{one.fingerprint.slice(0, 12)}…</code>{" "}
                <span class="faint">{texts.connection.until(formats.date(one.not_after))}</span>
              </span>
            )),
        ],
        [
          texts.connection.gateway,
          gateway && (
            <a href={`/devices/${encodeURIComponent(String(gateway))}`}>{gateway}</a>
          ),
        ],
        [
          texts.connection.revoked,
          revoked && <span class={out ? "high" : undefined}>{formats.dateTime(revoked)}</span>,
        ],
      ]}
    />
  );
}

/** Holes in the numbers of the messages: open ones mean data that is still missing. */
function Gaps({ device }: { device: string }) {
  const { texts, formats } = useShell();
  const query = useQuery("GET /devices/{device_id}/gaps", {
    path: { device_id: device },
    query: { limit: GAPS_SHOWN },
  });
  const gaps = query.answer;
  if (!gaps?.total) return null;
  return (
    <>
      <h3 class="after">{texts.connection.gaps(formats.number(gaps.total))}</h3>
      <ul class="plain lines">
        {gaps.items.map((gap) => (
          <li key={`${gap.boot} ${gap.first}`}>
            <span class="first between">
              <code>{gap.first === gap.last ? gap.first : `${gap.first}–${gap.last}`}</code>
              <span class={gap.closed_at ? "faint" : "high"}>
                {gap.missing
                  ? texts.connection.missing(formats.number(gap.missing))
                  : texts.connection.filled}
              </span>
            </span>
            <span class="second">
              {texts.connection.boot} <code>{gap.boot}</code> · {formats.dateTime(gap.opened_at)}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function SecretDialog({ device, onClose }: { device: string; onClose: () => void }) {
  const { texts } = useShell();
  const [credential, setCredential] = useState<DeviceCredential | null>(null);
  const done = useRef(false);
  if (credential) return <CredentialDialog credential={credential} onClose={onClose} />;
  return (
    <FormDialog
      title={texts.connection.newSecretTitle(device)}
      submit={texts.connection.newSecret}
      danger
      onClose={() => done.current || onClose()}
      onSubmit={async () => {
        const made = await send("POST /devices/{device_id}/secret", { path: { device_id: device } });
        done.current = true;
        invalidate("/devices");
        setCredential(made);
      }}
    >
      {() => <p>{texts.connection.newSecretText}</p>}
    </FormDialog>
  );
}
