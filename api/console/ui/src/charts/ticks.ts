// Labels of the time axis in the reader's language; midnight is told by its date.

import type { Language } from "../format/formats";

const DAY = 86_400_000;
const LOCALES: Record<Language, string> = { en: "en-GB", id: "id-ID" };

export function timeTicks(
  splits: readonly number[],
  step: number,
  language: Language,
  timeZone?: string,
): string[] {
  const zone = timeZone ? { timeZone } : {};
  const hour = new Intl.DateTimeFormat(LOCALES[language], {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...zone,
  });
  const day = new Intl.DateTimeFormat(LOCALES[language], { day: "numeric", month: "short", ...zone });
  return splits.map((at) => {
    const time = hour.format(at);
    return step >= DAY || /^00.00$/.test(time) ? day.format(at) : time;
  });
}
