// Numbers, times and durations as people of a language write them. Pure: language in, text out.

export type Language = "en" | "id";

const LOCALES: Record<Language, string> = { en: "en-GB", id: "id-ID" };

const DURATIONS: Record<Language, { d: string; h: string; m: string; s: string }> = {
  en: { d: "d", h: "h", m: "min", s: "s" },
  id: { d: "hr", h: "jam", m: "mnt", s: "dtk" },
};

const UNIT_SIGNS: Record<string, string> = {
  "1": "",
  degC: "°C",
  degF: "°F",
  degR: "°R",
  "m/s2": "m/s²",
  "m3/s": "m³/s",
  "m3/h": "m³/h",
};

export interface Formats {
  number(value: number, digits?: number): string;
  /** Three significant digits: for readings. */
  value(value: number | null, unit: string): string;
  percent(value: number): string;
  money(amount: number, currency: string): string;
  dateTime(at: string | number): string;
  date(at: string | number): string;
  clock(at: string | number): string;
  /** The two largest parts: "2 d 4 h". */
  duration(ms: number): string;
  /** Hours of remaining life: "36 h", "12 d". */
  hours(hours: number): string;
}

export function unitSign(unit: string): string {
  return UNIT_SIGNS[unit] ?? unit;
}

export function formatsFor(language: Language, timeZone?: string): Formats {
  const locale = LOCALES[language];
  const zone = timeZone ? { timeZone } : {};
  const words = DURATIONS[language];
  const dateTime = new Intl.DateTimeFormat(locale, {
    day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...zone,
  });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", ...zone });
  const clock = new Intl.DateTimeFormat(locale, {
    weekday: "short", day: "numeric", month: "short", year: "numeric",
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...zone,
  });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const significant = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });

  const number = (value: number, digits = 0) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);

  return {
    number,
    value: (value, unit) => {
      if (value === null) return "–";
      const text = Math.abs(value) >= 1000 ? whole.format(value) : significant.format(value);
      return `${text} ${unitSign(unit)}`.trimEnd();
    },
    percent: (value) => {
      if (value > 0 && value < 0.01) return `< ${percent.format(0.01)}`;
      if (value < 1 && value > 0.99) return `> ${percent.format(0.99)}`;
      return percent.format(value);
    },
    money: (amount, currency) =>
      new Intl.NumberFormat(locale, {
        style: "currency", currency, currencyDisplay: "narrowSymbol", maximumFractionDigits: 0,
      }).format(amount),
    dateTime: (at) => dateTime.format(new Date(at)),
    date: (at) => date.format(new Date(at)),
    clock: (at) => clock.format(new Date(at)),
    duration: (ms) => duration(ms, words),
    hours: (hours) =>
      hours < 72 ? `${number(hours, hours < 10 ? 1 : 0)} ${words.h}` : `${whole.format(hours / 24)} ${words.d}`,
  };
}

function duration(ms: number, words: { d: string; h: string; m: string; s: string }): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60, seconds % 60,
  ] as const;
  if (d > 0) return `${d} ${words.d} ${h} ${words.h}`;
  if (h > 0) return `${h} ${words.h} ${m} ${words.m}`;
  return m > 0 ? `${m} ${words.m}` : `${s} ${words.s}`;
}
