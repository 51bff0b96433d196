import { useEffect, useState } from "preact/hooks";
import { ApiProblem, send } from "../api/client";
import { Field, textOf } from "../parts/dialog";
import { errorText } from "../parts/states";
import { useShell } from "../shell/context";
import { go, here } from "../shell/router";
import { Gate } from "./sign-in";

/** Makes the first administrator. The token leaves the address bar and the history at once. */
export function SetUp() {
  const { texts, enter } = useShell();
  const [token] = useState(() => here().query.get("token") ?? "");
  const [error, setError] = useState<unknown>(null);
  const [differ, setDiffer] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => go("/setup", { replace: true }), []);

  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const password = String(form.get("password"));
    setDiffer(password !== form.get("repeat"));
    if (password !== form.get("repeat")) return;
    setBusy(true);
    setError(null);
    try {
      const [name, username] = [textOf(form, "name"), textOf(form, "username")];
      const answer = await send("POST /setup", { body: { token, name, username, password } });
      go("/", { replace: true });
      enter(answer);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };

  const reason = (field: string) => (error instanceof ApiProblem ? error.reasonFor(field) : undefined);
  if (!token) {
    return (
      <Gate title={texts.setUp.title}>
        <p class="notice">{texts.setUp.noToken}</p>
      </Gate>
    );
  }
  return (
    <Gate title={texts.setUp.title}>
      <p>{texts.setUp.intro}</p>
      <form onSubmit={(event) => void onSubmit(event)}>
        <Field label={texts.setUp.name} reason={reason("name")}>
          <input name="name" autocomplete="name" required autofocus maxLength={120} />
        </Field>
        <Field label={texts.setUp.username} reason={reason("username")}>
          <input name="username" autocomplete="username" required maxLength={80} pattern="[A-Za-z0-9_.@\-]+" />
        </Field>
        <Field label={texts.setUp.password} hint={texts.setUp.passwordHint} reason={reason("password")}>
          <input name="password" type="password" autocomplete="new-password" required minLength={12} maxLength={200} />
        </Field>
        <Field label={texts.setUp.repeat} reason={differ ? texts.setUp.mismatch : undefined}>
          <input name="repeat" type="password" autocomplete="new-password" required />
        </Field>
        {error !== null && <p class="refusal" role="alert">{errorText(error, texts)}</p>}
        <button class="primary" disabled={busy}>{texts.setUp.submit}</button>
      </form>
    </Gate>
  );
}
