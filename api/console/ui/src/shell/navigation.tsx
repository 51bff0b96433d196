import { useState } from "preact/hooks";
import type { Area } from "../api/rights";
import { type Language } from "../format/formats";
import { Icon, type IconName } from "../parts/icon";
import { useShell, useUser } from "./context";
import { applyTheme, storedTheme, type Theme, THEMES } from "./preferences";

const PATHS: Record<Area, string> = {
  orders: "/",
  fleet: "/fleet",
  models: "/models",
  quarantine: "/quarantine",
  people: "/people",
};

const ICONS: Record<Area, IconName> = {
  orders: "queue",
  fleet: "fleet",
  models: "model",
  quarantine: "quarantine",
  people: "people",
};

export function Navigation({ areas, path }: { areas: Area[]; path: string }) {
  const { texts, signOut } = useShell();
  const user = useUser();
  return (
    <div class="top">
      <a class="brand" href="/">
        <Icon name="purna" /> Purna
      </a>
      <nav aria-label={texts.nav.label}>
        {areas.map((area) => (
          <a key={area} href={PATHS[area]} aria-current={isAt(area, path) ? "page" : undefined}>
            <Icon name={ICONS[area]} />
            <span>{texts.nav[area]}</span>
          </a>
        ))}
      </nav>
      <div class="settings">
        <LanguageSwitch />
        <ThemeSwitch />
        <span class="who" title={user.username}>{user.name}</span>
        <button class="quiet" onClick={() => void signOut()}>{texts.nav.signOut}</button>
      </div>
    </div>
  );
}

function isAt(area: Area, path: string): boolean {
  if (area === "orders") return path === "/" || path.startsWith("/orders/");
  if (area === "fleet") return path === "/fleet" || path.startsWith("/devices/");
  return path === PATHS[area];
}

export function LanguageSwitch() {
  const { texts, language, setLanguage } = useShell();
  return (
    <select
      aria-label={texts.nav.language}
      value={language}
      onChange={(event) => setLanguage(event.currentTarget.value as Language)}
    >
      <option value="en" lang="en">English</option>
      <option value="id" lang="id">Indonesia</option>
    </select>
  );
}

export function ThemeSwitch() {
  const { texts } = useShell();
  const [theme, setTheme] = useState(storedTheme);
  return (
    <select
      aria-label={texts.nav.theme}
      value={theme}
      onChange={(event) => {
        const chosen = event.currentTarget.value as Theme;
        applyTheme(chosen);
        setTheme(chosen);
      }}
    >
      {THEMES.map((option) => (
        <option key={option} value={option}>{texts.nav.themes[option]}</option>
      ))}
    </select>
  );
}
