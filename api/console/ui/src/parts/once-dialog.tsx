// Shows something secret that the server tells this once.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useShell } from "../shell/context";

export function OnceDialog(props: {
  title: string;
  text: string;
  secret: string;
  /** The name of a file to save it as, where that makes sense. */
  file?: string;
  onClose: () => void;
  children?: ComponentChildren;
}) {
  const { texts } = useShell();
  const title = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={title} onClose={props.onClose}>
      <h2 id={title}>{props.title}</h2>
      <p>{props.text}</p>
      <pre class="token" tabIndex={0}>{props.secret}</pre>
      {props.children}
      <div class="buttons">
        {props.file && (
          <a
            class="button" download={props.file}
            href={`data:text/csv;charset=utf-8,${encodeURIComponent(props.secret)}`}
          >
            {texts.common.saveAsFile}
          </a>
        )}
        <button
          onClick={() =>
            void navigator.clipboard?.writeText(props.secret).then(() => setCopied(true))
          }
        >
          {copied ? texts.common.copied : texts.common.copy}
        </button>
        <button class="primary" onClick={() => dialog.current?.close()}>{texts.common.close}</button>
      </div>
    </dialog>
  );
}
