// What stands in place of content: while it loads, when it failed, when there is none.

import type { ComponentChildren } from "preact";
import { ApiProblem, Unreachable } from "../api/client";
import type { Query } from "../api/queries";
import { useShell } from "../shell/context";
import type { Texts } from "../texts";

export function Loading({ texts }: { texts: Texts }) {
  return <p class="loading" role="status">{texts.common.loading}</p>;
}

/** The sentence for an error, in the reader's language where the server gave one. */
export function errorText(error: unknown, texts: Texts): string {
  if (error instanceof ApiProblem) return error.problem.detail;
  return error instanceof Unreachable ? texts.common.unreachable : texts.common.failed;
}

export function Failure(props: { error: unknown; texts: Texts; onRetry: () => void }) {
  return (
    <div class="failure" role="alert">
      <p>{errorText(props.error, props.texts)}</p>
      <button onClick={props.onRetry}>{props.texts.common.retry}</button>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

/** Draws the answer of a query once it is there, and says so while it is not. */
export function Answered<T>(props: {
  query: Query<T>;
  children: (answer: T) => ComponentChildren;
}) {
  const { texts } = useShell();
  const { answer, error, reload } = props.query;
  if (answer !== undefined) return <>{props.children(answer)}</>;
  if (error) return <Failure error={error} texts={texts} onRetry={reload} />;
  return <Loading texts={texts} />;
}
