// The frame around all screens: session, language, live stream, navigation, banners.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { client, send } from "../api/client";
import { followLive } from "../api/live";
import { forgetAll } from "../api/queries";
import { areasOf } from "../api/rights";
import type { Session } from "../api/wire";
import type { PlatformClock } from "../format/clock";
import { formatsFor } from "../format/formats";
import { Failure, Loading } from "../parts/states";
import { SetUp } from "../screens/set-up";
import { SignIn } from "../screens/sign-in";
import { TEXTS } from "../texts";
import { ClockBanner } from "./clock-banner";
import { ShellContext } from "./context";
import { Navigation } from "./navigation";
import { storedLanguage, storeLanguage } from "./preferences";
import { go, usePlace } from "./router";
import { screenFor } from "./screens";

const SYNC_MS = 60_000;
const LOST_MS = 3_000;

export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [clock, setClock] = useState<PlatformClock | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [ended, setEnded] = useState(false);
  const [lost, setLost] = useState(false);
  const [language, chooseLanguage] = useState(storedLanguage);
  const place = usePlace();
  const texts = TEXTS[language];
  const formats = useMemo(() => formatsFor(language), [language]);
  client.language = language;

  const enter = useCallback((fresh: Session) => {
    client.csrfToken = fresh.csrf_token;
    setSession(fresh);
    setClock({
      serverMs: Date.parse(fresh.clock.now), speed: fresh.clock.speed, readAt: performance.now(),
    });
    setError(null);
    setLost(false);
    if (fresh.user) setEnded(false);
  }, []);

  const refresh = useCallback(
    () => send("GET /session", {}).then(enter, (problem: unknown) => setError(problem)),
    [enter],
  );

  client.onSignedOut = () => {
    if (session?.user) setEnded(true);
    void refresh();
  };

  client.onUnreachable = () => setLost(true);

  useEffect(() => {
    void refresh();
  }, [refresh]);

  useEffect(() => {
    const timer = setInterval(() => !document.hidden && void refresh(), lost ? LOST_MS : SYNC_MS);
    return () => {
      clearInterval(timer);
      if (lost) forgetAll(); // the server is back
    };
  }, [lost, refresh]);

  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);

  const userId = session?.user?.id;
  useEffect(() => (userId ? followLive() : undefined), [userId]);

  if (!session || !clock) {
    return error ? (
      <main class="lonely">
        <Failure error={error} texts={texts} onRetry={() => void refresh()} />
      </main>
    ) : (
      <main class="lonely">
        <Loading texts={texts} />
      </main>
    );
  }

  const shell = {
    session, clock, language, texts, formats, enter,
    setLanguage: (chosen: typeof language) => {
      storeLanguage(chosen);
      client.language = chosen;
      chooseLanguage(chosen);
      forgetAll();
    },
    signOut: async () => {
      await send("DELETE /session", {});
      go("/");
      forgetAll();
      await refresh();
    },
  };

  return (
    <ShellContext.Provider value={shell}>
      {session.user ? (
        <>
          <a class="skip" href="#main">{texts.nav.skip}</a>
          <header>
            <Navigation areas={areasOf(session.user)} path={place.path} />
            {lost && <p class="banner alert" role="alert">{texts.common.unreachable}</p>}
            <ClockBanner />
          </header>
          <main id="main" tabIndex={-1}>{screenFor(place, areasOf(session.user))}</main>
        </>
      ) : place.path === "/setup" && session.setup_required ? (
        <SetUp />
      ) : (
        <SignIn ended={ended} setUpDone={place.path === "/setup"} />
      )}
    </ShellContext.Provider>
  );
}
