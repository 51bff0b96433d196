// A dialog with a form. It shows the server's refusal and closes only when the server agreed.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiProblem } from "../api/client";
import { useShell } from "../shell/context";
import { errorText } from "./states";

export function FormDialog(props: {
  title: string;
  submit: string;
  danger?: boolean;
  onSubmit: (form: FormData) => Promise<void>;
  onClose: () => void;
  children: (problem: ApiProblem | null) => ComponentChildren;
}) {
  const { texts } = useShell();
  const title = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    dialog.current?.showModal(); // focuses the first field, returns the focus when it closes
    return () => dialog.current?.close();
  }, []);

  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await props.onSubmit(new FormData(event.currentTarget as HTMLFormElement));
      dialog.current?.close();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };

  return (
    <dialog ref={dialog} aria-labelledby={title} onClose={props.onClose}>
      <form onSubmit={(event) => void onSubmit(event)}>
        <h2 id={title}>{props.title}</h2>
        {props.children(error instanceof ApiProblem ? error : null)}
        {error !== null && <p class="refusal" role="alert">{errorText(error, texts)}</p>}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>{texts.common.cancel}</button>
          <button type="submit" class={props.danger ? "danger" : "primary"} disabled={busy}>
            {props.submit}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** A labelled field; `reason` is why the server refused it. */
export function Field(props: {
  label: string;
  hint?: string;
  reason?: string | undefined;
  children: ComponentChildren;
}) {
  return (
    <label class="field">
      <span class="label">{props.label}</span>
      {props.children}
      {props.hint && <span class="hint">{props.hint}</span>}
      {props.reason && <span class="refusal">{props.reason}</span>}
    </label>
  );
}

/** The text of a form's field, without outer blanks. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}
