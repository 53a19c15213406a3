/** Days of the calendar as the API writes them: `2027-01-31`, in UTC. */

const DAY_MS = 24 * 60 * 60 * 1000;

export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

export function addDays(day: string, count: number): string {
  return dayOf(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS);
}

/** The begin of a day as an instant. */
export function startOfDay(day: string): string {
  return `${day}T00:00:00Z`;
}

/** The begin of a day where the reader is. */
export function localStartOfDay(day: string): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date).toISOString();
}

/** A day out of an address; anything else is none. */
export function readDay(text: string | undefined): string | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(time) || dayOf(time) !== text ? undefined : text;
}

/** `2027-01` out of an address; anything else is none. */
export function readMonth(text: string | undefined): string | undefined {
  return text !== undefined && /^\d{4}-\d\d$/.test(text) && readDay(`${text}-01`) !== undefined
    ? text
    : undefined;
}

/** The month that lies `count` months after this one. */
export function addMonths(month: string, count: number): string {
  const date = new Date(`${month}-01T00:00:00Z`);
  return dayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count, 1)).slice(0, 7);
}

/** The weeks that show a month, each of seven days from Monday on. */
export function weeksOf(month: string): string[][] {
  const first = `${month}-01`;
  const weekday = (new Date(startOfDay(first)).getUTCDay() + 6) % 7;
  const end = `${addMonths(month, 1)}-01`;
  const weeks: string[][] = [];
  for (let start = addDays(first, -weekday); start < end; start = addDays(start, 7)) {
    weeks.push(Array.from({ length: 7 }, (_, index) => addDays(start, index)));
  }
  return weeks;
}

/** `22 Nov`, or with the year where it is asked for. */
export function dayWords(day: string, language: string, withYear = false): string {
  return new Intl.DateTimeFormat(language, {
    day: 'numeric',
    month: 'short',
    year: withYear ? 'numeric' : undefined,
    timeZone: 'UTC',
  }).format(new Date(startOfDay(day)));
}

/** `22 – 28 Nov`: the days of a range, `until` not among them. */
export function rangeWords(from: string, until: string, language: string): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' });
  return format.formatRange(new Date(startOfDay(from)), new Date(startOfDay(addDays(until, -1))));
}
