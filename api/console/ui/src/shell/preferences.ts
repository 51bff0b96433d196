// What this browser prefers: language and appearance, kept in its local storage.

import type { Language } from "../format/formats";
import { preferredLanguage } from "../texts";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function storedLanguage(): Language {
  const stored = localStorage.getItem("purna.language");
  return stored === "en" || stored === "id" ? stored : preferredLanguage(navigator.languages);
}

export function storeLanguage(language: Language): void {
  localStorage.setItem("purna.language", language);
}

export function storedTheme(): Theme {
  return THEMES.find((theme) => theme === localStorage.getItem("purna.theme")) ?? "system";
}

export function applyTheme(theme: Theme): void {
  localStorage.setItem("purna.theme", theme);
  document.documentElement.dataset["theme"] = theme;
  dispatchEvent(new Event("purna:theme"));
}
