/** Words for times. All of them take the instant that counts as now, so that tests and a page agree with themselves. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
const MONTH_MS = 30.44 * DAY_MS;
const YEAR_MS = 365.25 * DAY_MS;

/** From how far on a unit is used: weeks from two weeks on, months from nine weeks on, years from two years on. */
const STEPS: [from: number, unit: Intl.RelativeTimeFormatUnit, length: number][] = [
  [2 * YEAR_MS, 'year', YEAR_MS],
  [9 * WEEK_MS, 'month', MONTH_MS],
  [2 * WEEK_MS, 'week', WEEK_MS],
  [DAY_MS, 'day', DAY_MS],
  [HOUR_MS, 'hour', HOUR_MS],
  [MINUTE_MS, 'minute', MINUTE_MS],
];

/** `in 3 weeks`, `2 minutes ago`, `now`. */
export function relativeTime(iso: string, now: number, language: string): string {
  const distance = Date.parse(iso) - now;
  const size = Math.abs(distance);
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const [from, unit, length] of STEPS) {
    if (size >= from) return format.format(Math.trunc(distance / length), unit);
  }
  return format.format(0, 'second');
}

/** As `relativeTime`, but in days under a year: `in 47 days`. Whoever decides on an end counts days, not months. */
export function relativeDays(iso: string, now: number, language: string): string {
  const distance = Date.parse(iso) - now;
  const size = Math.abs(distance);
  if (size < DAY_MS || size >= YEAR_MS) return relativeTime(iso, now, language);
  const days = Math.trunc(distance / DAY_MS);
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(days, 'day');
}

/** `22 Nov 2026`, by the reader's clock. */
export function shortDate(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(iso));
}

/** `22 Nov 2026, 03:14`, by the reader's clock. */
export function shortDateTime(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}

/** The same instant for everybody: `2026-11-22 03:14:05 UTC`. */
export function exactUtc(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `4 s`, `2 min 10 s`: how long something took. */
export function duration(fromIso: string, toIso: string, language: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(toIso) - Date.parse(fromIso)) / 1000));
  const unit = (value: number, name: 'second' | 'minute' | 'hour') =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short' }).format(value);
  if (seconds < 60) return unit(seconds, 'second');
  if (seconds < 3600) return `${unit(Math.floor(seconds / 60), 'minute')} ${unit(seconds % 60, 'second')}`;
  return `${unit(Math.floor(seconds / 3600), 'hour')} ${unit(Math.floor((seconds % 3600) / 60), 'minute')}`;
}

/** The period of the last twelve months in addresses, where others are months ago by their number. */
export const LAST_YEAR = 'year';

/** From the first of the month eleven months ago to the end of this one, UTC. */
export function lastYear(): { from: string; to: string } {
  const now = Date.now();
  return { from: monthRange(now, 11).from, to: monthRange(now, 0).to };
}

/** First and last instant of the month that lies `back` months before the one of `now`, in UTC. */
export function monthRange(now: number, back: number): { from: string; to: string } {
  const date = new Date(now);
  const from = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - back, 1));
  const to = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - back + 1, 1));
  return { from: from.toISOString(), to: to.toISOString() };
}
