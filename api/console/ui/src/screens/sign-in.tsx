import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { send } from "../api/client";
import { forgetAll } from "../api/queries";
import { Field, textOf } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { errorText } from "../parts/states";
import { useShell } from "../shell/context";
import { LanguageSwitch, ThemeSwitch } from "../shell/navigation";
import { go, here } from "../shell/router";

/** The frame of the screens before signing in. */
export function Gate({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <main class="gate">
      <p class="brand">
        <Icon name="purna" /> Purna
      </p>
      <h1>{title}</h1>
      {children}
      <div class="settings">
        <LanguageSwitch />
        <ThemeSwitch />
      </div>
    </main>
  );
}

export function SignIn({ ended, setUpDone }: { ended: boolean; setUpDone: boolean }) {
  const { session, texts, enter } = useShell();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setError(null);
    try {
      const body = { username: textOf(form, "username"), password: String(form.get("password")) };
      const answer = await send("POST /session", { body });
      forgetAll();
      if (here().path === "/setup") go("/", { replace: true });
      enter(answer);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };

  return (
    <Gate title={texts.signIn.title}>
      {ended && <p class="notice" role="status">{texts.signIn.ended}</p>}
      {setUpDone && <p class="notice">{texts.setUp.done}</p>}
      {session.setup_required && <p class="notice">{texts.signIn.setUpFirst}</p>}
      <form onSubmit={(event) => void onSubmit(event)}>
        <Field label={texts.signIn.username}>
          <input name="username" autocomplete="username" required autofocus maxLength={80} />
        </Field>
        <Field label={texts.signIn.password}>
          <input name="password" type="password" autocomplete="current-password" required />
        </Field>
        {error !== null && <p class="refusal" role="alert">{errorText(error, texts)}</p>}
        <button class="primary" disabled={busy}>{texts.signIn.submit}</button>
      </form>
    </Gate>
  );
}
