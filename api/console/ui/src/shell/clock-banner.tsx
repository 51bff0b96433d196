import { useNow, useShell } from "./context";

/** Says that platform time is not real time, and what it is; and how far the platform goes. */
export function ClockBanner() {
  const { session, clock, texts, formats } = useShell();
  const now = useNow();
  const mode = texts.mode[session.mode];
  return (
    <>
      {clock.speed !== 1 && (
        <p class="banner">
          <strong>
            {clock.speed ? texts.clock.demo(formats.number(clock.speed, 1)) : texts.clock.still}
          </strong>
          <span>
            {texts.clock.platformTime} <time>{formats.clock(now)}</time>
          </span>
        </p>
      )}
      {mode && <p class="banner">{mode}</p>}
    </>
  );
}
