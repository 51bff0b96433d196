// What every screen may ask for: the session, the language's texts and formats, the time.

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Me, Session } from "../api/wire";
import { type PlatformClock, platformNow } from "../format/clock";
import type { Formats, Language } from "../format/formats";
import type { Texts } from "../texts";

export interface Shell {
  session: Session;
  clock: PlatformClock;
  language: Language;
  texts: Texts;
  formats: Formats;
  setLanguage: (language: Language) => void;
  /** Take over the session that a sign-in or set-up answered with. */
  enter: (session: Session) => void;
  signOut: () => Promise<void>;
}

export const ShellContext = createContext<Shell | null>(null);

export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (!shell) throw new Error("used outside the shell");
  return shell;
}

/** The signed-in user; only for screens behind the sign-in. */
export function useUser(): Me {
  const { user } = useShell().session;
  if (!user) throw new Error("nobody is signed in");
  return user;
}

/** Name the page in the browser's tab and history. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Purna`;
  }, [title]);
}

/** Platform time in milliseconds, ticking; SLA clocks need seconds, charts need minutes. */
export function useNow(everyMs = 1_000): number {
  const { clock } = useShell();
  const [now, setNow] = useState(() => platformNow(clock, performance.now()));
  useEffect(() => {
    const tick = () => setNow(platformNow(clock, performance.now()));
    tick();
    const timer = setInterval(tick, everyMs);
    return () => clearInterval(timer);
  }, [clock, everyMs]);
  return now;
}
