import { useRef, useState } from "preact/hooks";
import { send } from "../../api/client";
import { invalidate } from "../../api/queries";
import { Field, FormDialog, textOf } from "../../parts/dialog";
import { OnceDialog } from "../../parts/once-dialog";
import { useShell } from "../../shell/context";
import { RoleFields, rolesOf } from "./role-fields";

/** Makes a key, then shows its token this once. */
export function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const { texts } = useShell();
  const [token, setToken] = useState<string | null>(null);
  const made = useRef(false);
  if (token) {
    return (
      <OnceDialog
        title={texts.people.tokenTitle} text={texts.people.tokenText} secret={token} onClose={onClose}
      />
    );
  }
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
