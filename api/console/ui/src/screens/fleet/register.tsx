import { useRef, useState } from "preact/hooks";
import { send } from "../../api/client";
import { invalidate, useQuery } from "../../api/queries";
import type { DeviceCredential } from "../../api/wire";
import { Field, FormDialog, textOf } from "../../parts/dialog";
import { useShell } from "../../shell/context";
import { CredentialDialog } from "../device/credential-dialog";

const NEW_SITE = "+"; // no id can be this

/** Registers a device, on a new site if need be, then shows its password this once. */
export function RegisterDialog({ onClose }: { onClose: () => void }) {
  const { texts } = useShell();
  const products = useQuery("GET /products", {}).answer?.items ?? [];
  const sites = useQuery("GET /sites", {});
  const [site, setSite] = useState("");
  const [credential, setCredential] = useState<DeviceCredential | null>(null);
  const done = useRef(false);
  if (credential) return <CredentialDialog credential={credential} onClose={onClose} />;
  const newSite = site === NEW_SITE;
  return (
    <FormDialog
      title={texts.admit.register}
      submit={texts.admit.register}
      onClose={() => done.current || onClose()}
      onSubmit={async (form) => {
        if (newSite) {
          const id = textOf(form, "site_id");
          await send("POST /sites", {
            body: { id, name: textOf(form, "name"), customer: textOf(form, "customer") },
          });
          invalidate("/sites");
          setSite(id);
        }
        const made = await send("POST /devices", {
          body: {
            id: textOf(form, "id"),
            product: textOf(form, "product"),
            site: newSite ? textOf(form, "site_id") : site,
            serial: textOf(form, "serial"),
            gateway: textOf(form, "gateway"),
          },
        });
        done.current = true;
        invalidate("/devices");
        setCredential(made);
      }}
    >
      {(problem) => (
        <>
          <Field label={texts.admit.id} hint={texts.admit.idHint} reason={problem?.reasonFor("id")}>
            <input name="id" required pattern="[A-Za-z0-9_\-]{1,64}" autocomplete="off" spellcheck={false} />
          </Field>
          <Field label={texts.fleet.product} reason={problem?.reasonFor("product")}>
            <select name="product" required>
              {products.map((product) => (
                <option key={product.id} value={product.id}>{product.name}</option>
              ))}
            </select>
          </Field>
          <Field label={texts.fleet.site} reason={problem?.reasonFor("site")}>
            <select
              name="site" required value={site}
              onChange={(event) => setSite(event.currentTarget.value)}
            >
              <option value="">{texts.action.choose}</option>
              {sites.answer?.items.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
              <option value={NEW_SITE}>{texts.admit.newSite}</option>
            </select>
          </Field>
          {newSite && (
            <>
              <Field label={texts.admit.siteName} reason={problem?.reasonFor("name")}>
                <input name="name" required maxLength={200} autocomplete="off" />
              </Field>
              <Field label={texts.admit.siteId} hint={texts.admit.idHint}>
                <input name="site_id" required pattern="[A-Za-z0-9_\-]{1,64}" autocomplete="off" />
              </Field>
              <Field
                label={texts.admit.customerId} hint={texts.admit.idHint}
                reason={problem?.reasonFor("customer")}
              >
                <input name="customer" required pattern="[A-Za-z0-9_\-]{1,64}" autocomplete="off" />
              </Field>
            </>
          )}
          <Field label={texts.device.serial} reason={problem?.reasonFor("serial")}>
            <input name="serial" maxLength={80} autocomplete="off" />
          </Field>
          <Field
            label={texts.admit.gateway} hint={texts.admit.gatewayHint}
            reason={problem?.reasonFor("gateway")}
          >
            <input name="gateway" pattern="[A-Za-z0-9_\-]{1,64}" autocomplete="off" />
          </Field>
        </>
      )}
    </FormDialog>
  );
}
