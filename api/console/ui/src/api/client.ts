// One function for every call of the public API; the types come from its OpenAPI document.

import type { Operations, Problem } from "./wire";

export type Call = keyof Operations;
export type Answer<C extends Call> = Operations[C]["answer"];
type Part<C extends Call, K extends string> = Operations[C] extends Record<K, infer P>
  ? { [key in K]: P }
  : { [key in K]?: never };
export type Input<C extends Call> = Part<C, "path"> &
  (Operations[C] extends { query: infer Q } ? { query?: Q } : { query?: never }) &
  Part<C, "body">;

/** A refusal by the server: problem details in the reader's language. */
export class ApiProblem extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }

  /** The reason why a field was refused, if that is what happened. */
  reasonFor(field: string): string | undefined {
    const error = this.problem.errors?.find((e) => String(e["field"]).split(".").pop() === field);
    return error && String(error["reason"]);
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {}

export interface ClientState {
  language: string;
  csrfToken: string;
  onSignedOut: () => void;
  onUnreachable: () => void;
}

/** What each call sends along; kept up to date by the shell. */
export const client: ClientState = {
  language: "en",
  csrfToken: "",
  onSignedOut: () => {},
  onUnreachable: () => {},
};

/** The address of a call below `/api/v1`, with its path and query filled in. */
export function address(call: Call, input: { path?: unknown; query?: unknown } = {}): string {
  const template = call.slice(call.indexOf(" ") + 1);
  const path = Object.entries((input.path ?? {}) as object).reduce(
    (text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(String(value))),
    template,
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries((input.query ?? {}) as object)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size ? `${path}?${query}` : path;
}

/** Make a call; throws `ApiProblem` or `Unreachable`. */
export async function send<C extends Call>(
  call: C,
  input: Input<C>,
  signal?: AbortSignal,
): Promise<Answer<C>> {
  const method = call.slice(0, call.indexOf(" "));
  const headers: Record<string, string> = { "Accept-Language": client.language };
  if (method !== "GET") headers["X-CSRF-Token"] = client.csrfToken;
  if (input.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(`/api/v1${address(call, input)}`, {
      method,
      headers,
      body: input.body === undefined ? null : JSON.stringify(input.body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    client.onUnreachable();
    throw new Unreachable();
  }
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Answer<C>;
  const problem = await problemOf(response);
  if (response.status === 401 && call !== "POST /session") client.onSignedOut();
  throw new ApiProblem(problem);
}

async function problemOf(response: Response): Promise<Problem> {
  if (response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
    return (await response.json()) as Problem;
  }
  const { status, statusText } = response;
  return { type: "about:blank", title: statusText, status, detail: `${status} ${statusText}`, code: "http" };
}
