import { useEffect, useId, useRef, useState } from "preact/hooks";
import { send } from "../../api/client";
import { invalidate } from "../../api/queries";
import { Field, FormDialog, textOf } from "../../parts/dialog";
import { useShell } from "../../shell/context";
import { RoleFields, rolesOf } from "./role-fields";

/** Makes a key, then shows its token this once. */
export function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const { texts } = useShell();
  const [token, setToken] = useState<string | null>(null);
  const made = useRef(false);
  if (token) return <TokenDialog token={token} onClose={onClose} />;
  return (
    <FormDialog
      title={texts.people.addKey}
      submit={texts.people.addKey}
      onClose={() => made.current || onClose()}
      onSubmit={async (form) => {
        const body = { name: textOf(form, "name"), roles: rolesOf(form) };
        const key = await send("POST /keys", { body });
        made.current = true;
        invalidate("/keys");
        setToken(key.token);
      }}
    >
      {(problem) => (
        <>
          <Field label={texts.people.keyName} reason={problem?.reasonFor("name")}>
            <input name="name" required maxLength={80} autocomplete="off" />
          </Field>
          <RoleFields chosen={["dispatcher"]} reason={problem?.reasonFor("roles")} />
        </>
      )}
    </FormDialog>
  );
}

function TokenDialog({ token, onClose }: { token: string; onClose: () => void }) {
  const { texts } = useShell();
  const title = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={title} onClose={onClose}>
      <h2 id={title}>{texts.people.tokenTitle}</h2>
      <p>{texts.people.tokenText}</p>
      <pre class="token" tabIndex={0}>{token}</pre>
      <div class="buttons">
        <button onClick={() => void navigator.clipboard?.writeText(token).then(() => setCopied(true))}>
          {copied ? texts.people.copied : texts.people.copy}
        </button>
        <button class="primary" onClick={() => dialog.current?.close()}>{texts.common.close}</button>
      </div>
    </dialog>
  );
}
