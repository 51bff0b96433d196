import { useRef, useState } from "preact/hooks";
import { send } from "../../api/client";
import { useQuery } from "../../api/queries";
import { Field, FormDialog, textOf } from "../../parts/dialog";
import { OnceDialog } from "../../parts/once-dialog";
import { useShell } from "../../shell/context";

/** Makes keys with which devices register themselves, then shows them this once. */
export function ClaimKeysDialog({ onClose }: { onClose: () => void }) {
  const { texts } = useShell();
  const products = useQuery("GET /products", {}).answer?.items ?? [];
  const sites = useQuery("GET /sites", {}).answer?.items ?? [];
  const [keys, setKeys] = useState<string[] | null>(null);
  const done = useRef(false);
  if (keys) {
    return (
      <OnceDialog
        title={texts.admit.keysMade(keys.length)}
        text={texts.admit.keysText}
        secret={keys.join("\n")}
        file="claim-keys.csv"
        onClose={onClose}
      />
    );
  }
  return (
    <FormDialog
      title={texts.admit.claimKeys}
      submit={texts.admit.makeKeys}
      onClose={() => done.current || onClose()}
      onSubmit={async (form) => {
        const made = await send("POST /claim-keys", {
          body: {
            product: textOf(form, "product"),
            site: textOf(form, "site"),
            count: Number(textOf(form, "count")),
            days: Number(textOf(form, "days")),
          },
        });
        done.current = true;
        setKeys(made.map(({ key }) => key));
      }}
    >
      {(problem) => (
        <>
          <p class="hint">{texts.admit.keysHint}</p>
          <Field label={texts.fleet.product} reason={problem?.reasonFor("product")}>
            <select name="product" required>
              {products.map((product) => (
                <option key={product.id} value={product.id}>{product.name}</option>
              ))}
            </select>
          </Field>
          <Field label={texts.fleet.site} reason={problem?.reasonFor("site")}>
            <select name="site">
              <option value="">{texts.admit.anySite}</option>
              {sites.map((site) => <option key={site.id} value={site.id}>{site.name}</option>)}
            </select>
          </Field>
          <Field label={texts.admit.count} reason={problem?.reasonFor("count")}>
            <input type="number" name="count" required min={1} max={1000} defaultValue="1" />
          </Field>
          <Field label={texts.admit.days} reason={problem?.reasonFor("days")}>
            <input type="number" name="days" required min={1} max={3650} defaultValue="365" />
          </Field>
        </>
      )}
    </FormDialog>
  );
}
