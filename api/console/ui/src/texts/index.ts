// The dictionary: English says which texts there are, every other language must have them all.

import type { Language } from "../format/formats";
import { en } from "./en";
import { id } from "./id";

type Complete<T> = {
  [K in keyof T]: T[K] extends (...params: infer P) => string
    ? (...params: P) => string
    : T[K] extends string
      ? string
      : Complete<T[K]>;
};

export type Texts = Complete<typeof en>;

export const TEXTS: Record<Language, Texts> = { en, id };

/** The language for a browser that has not chosen one yet. */
export function preferredLanguage(wanted: readonly string[]): Language {
  const known = wanted.map((tag) => tag.split("-")[0]).find((tag) => tag === "en" || tag === "id");
  return known === "id" ? "id" : "en";
}
