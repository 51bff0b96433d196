// How devices get in: one by one, from a file, or by keys for those that are still to come.

import { useState } from "preact/hooks";
import { may } from "../../api/rights";
import { useShell, useUser } from "../../shell/context";
import { ClaimKeysDialog } from "./claim-keys";
import { ImportDialog } from "./import";
import { RegisterDialog } from "./register";

const DIALOGS = { register: RegisterDialog, importFile: ImportDialog, claimKeys: ClaimKeysDialog };
type Action = keyof typeof DIALOGS;

export function FleetActions() {
  const { texts } = useShell();
  const user = useUser();
  const [open, setOpen] = useState<Action | null>(null);
  if (!may(user, "admit")) return null;
  const Dialog = open && DIALOGS[open];
  return (
    <div class="actions">
      {(Object.keys(DIALOGS) as Action[]).map((action) => (
        <button key={action} onClick={() => setOpen(action)}>{texts.admit[action]}</button>
      ))}
      {Dialog && <Dialog onClose={() => setOpen(null)} />}
    </div>
  );
}
